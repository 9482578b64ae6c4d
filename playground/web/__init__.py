"""The playground in a browser: a Slack workspace to be in, and beside it what really happened."""
