"""The append-only event log, in which each event holds the previous event's hash."""
