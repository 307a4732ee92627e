"""Databases on a PostgreSQL server: probe, dump, proof, restore, sessions, grants."""
