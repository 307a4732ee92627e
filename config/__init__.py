"""Typed configuration and its defaults."""
