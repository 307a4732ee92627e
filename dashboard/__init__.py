"""The HTTP surface: observability endpoints, metrics and the page; it reads and decides nothing."""
