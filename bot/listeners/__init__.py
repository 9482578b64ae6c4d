"""Bolt's listeners: parse, call a service, render, acknowledge."""
