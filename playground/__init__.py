"""A Slack workspace and the voice providers, on this machine, speaking the real protocols."""


class PlaygroundError(Exception):
    """Base of the errors of the stand-ins and the stage."""
