"""Maintenance of a log: verification, anchors, backup and inspection."""
