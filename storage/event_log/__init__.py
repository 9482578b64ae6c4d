"""Events that are only appended, each with the hash of the one before."""
