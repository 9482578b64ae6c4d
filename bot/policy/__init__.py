"""Rules: who may ask, approve and settle, and when calls may go out. Pure."""
