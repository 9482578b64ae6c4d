"""Block Kit: every message, modal and form."""
