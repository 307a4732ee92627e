"""Serving a model over HTTP, with hot swap and shadow scoring."""
