"""The Slack app: listeners, services, rules, background workers and the command line."""


class CallOpsError(Exception):
    """Base of the errors that CallOps raises for a caller to handle."""
