"""How declared files are checked, backed up and restored, and caches emptied."""
