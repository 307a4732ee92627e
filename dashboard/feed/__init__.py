"""A daemon that nobody can reach feeds a dashboard elsewhere, and fetches there what people ask of it."""
