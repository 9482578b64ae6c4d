"""The store: requests, decisions, attempts and outcomes in a SQLite file with an audit log."""


class StorageError(Exception):
    """Base of the errors of the store and its files."""
