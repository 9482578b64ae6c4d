"""The edge of Slack: its client, users, Block Kit, errors and rate limits."""
