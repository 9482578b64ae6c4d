"""Background workers: sending, asking, posting, keeping."""
