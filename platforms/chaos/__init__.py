"""Controlled faults: what makes them, and what takes them back."""
