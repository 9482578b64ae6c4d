"""Voice providers: the actions that CallOps can request, and an adapter for each provider."""


class ProviderError(Exception):
    """Base of the errors of adapters and of the actions they are given."""
