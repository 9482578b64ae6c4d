"""The log's tables, each beside its SQL."""
