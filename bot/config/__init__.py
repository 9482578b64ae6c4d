"""Reads the settings from the configuration file and the environment, and reports their errors."""
