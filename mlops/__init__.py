"""The life of a model: its data, training, registry, serving, monitoring, gates and retraining."""
