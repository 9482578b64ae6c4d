"""Decides who may request, approve and settle, and when calls may go out."""
