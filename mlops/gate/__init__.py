"""The gate that a challenger passes before it is promoted."""
