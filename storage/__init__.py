"""What was asked, by whom, who let it pass and what came of it: the log that is the truth."""
