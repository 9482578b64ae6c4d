"""What can be done. Services return values, never messages."""
