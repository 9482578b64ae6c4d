"""A Slack workspace and the voice providers, on this machine, speaking the real protocols."""
