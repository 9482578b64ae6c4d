"""The checks of `check`: setup, Slack, people, connections, rules, the web."""
