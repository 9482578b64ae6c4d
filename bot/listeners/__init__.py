"""Bolt's listeners. Each parses a payload, calls a service, renders the result and acknowledges."""
