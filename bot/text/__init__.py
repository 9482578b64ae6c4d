"""The sentences that people read, and helpers to format them."""
