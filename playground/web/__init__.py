"""The playground in a browser: a Slack workspace, and beside it what really happened."""
