"""The monitoring job: proxies without labels, drift, true performance when labels mature."""
