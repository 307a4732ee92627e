"""Seeded makers of the example tables, with drift and damage that are known."""
