"""The part of application recovery that it remembers."""
