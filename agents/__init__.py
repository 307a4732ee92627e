"""The story of Nightwarden: one agent, one file, one job; start with events.py."""
