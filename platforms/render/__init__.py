"""Render: its API called within limits, its services watched, and acts on them."""
