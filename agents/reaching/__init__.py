"""Parts of infrastructure recovery."""
