"""Typed and pasted text, read as a command. Pure."""
