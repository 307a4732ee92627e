"""Unit tests of the whole daemon."""
