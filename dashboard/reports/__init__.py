"""Incident reports: one self-contained page, and the same as Markdown."""
