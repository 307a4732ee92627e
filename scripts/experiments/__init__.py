"""Runs experiments that are Chaos Toolkit documents against the running daemon."""
