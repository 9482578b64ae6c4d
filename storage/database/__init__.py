"""The file itself: connections, schema, views, locks."""
