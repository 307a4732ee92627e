"""Parts of data recovery."""
