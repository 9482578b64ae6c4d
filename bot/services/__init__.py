"""Services that listeners and workers call. They return values, never messages."""
