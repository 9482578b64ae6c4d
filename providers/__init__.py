"""What can be asked of a voice provider, and how each one is asked."""
