"""What was asked, by whom, who let it pass and what came of it: the log that is the truth."""


class StorageError(Exception):
    """Base of the errors of the log and its files."""
