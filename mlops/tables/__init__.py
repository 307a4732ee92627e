"""Tables as columns: reading, missing values, fingerprints, splits."""
