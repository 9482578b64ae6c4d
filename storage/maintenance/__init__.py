"""What is done to a log from outside: verify, anchor, back up, inspect."""
