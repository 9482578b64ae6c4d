"""The way to a provider and back: requests, replies, rates, failures."""
