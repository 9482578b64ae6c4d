"""Slack in, Slack out, and the rules between."""


class CallOpsError(Exception):
    """Base of the errors that CallOps raises for a caller to handle."""
