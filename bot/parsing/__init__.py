"""Reads typed and pasted text as a command."""
