"""The SQLite file: connections, schema, views and locks."""
