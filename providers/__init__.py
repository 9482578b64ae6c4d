"""What can be asked of a voice provider, and how each one is asked."""


class ProviderError(Exception):
    """Base of the errors of adapters and of what they are asked."""
