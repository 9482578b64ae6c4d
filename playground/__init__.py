"""Stand-ins for Slack and the voice providers on this machine, which speak the real protocols."""


class PlaygroundError(Exception):
    """Base of the errors of the stand-ins and the stage."""
