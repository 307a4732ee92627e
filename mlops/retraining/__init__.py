"""Retraining on drift: shadow model, promotion, and a watch that rolls back."""
