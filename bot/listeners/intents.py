"""Names for what a person meant to do once, so that doing it twice changes nothing."""

import hashlib


def nonce(trigger_id: str, purpose: str) -> str:
    """A nonce for a button or form made in answer to one trigger: the same delivery makes the same nonce."""
    return hashlib.sha256(f"{purpose}\0{trigger_id}".encode()).hexdigest()[:24]
