"""Settings: the file, the environment, and what is wrong with them."""
