"""Block Kit messages, modals and forms."""
