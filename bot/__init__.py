"""Slack in, Slack out, and the rules between."""
