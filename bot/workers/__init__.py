"""Background workers: sending, notifying, posting, and maintenance of the log."""
