"""Access to Slack: its client, users, Block Kit, errors and rate limits."""
