"""Retraining on drift: shadow model, promotion, and a watch that rolls back."""

from mlops.retraining.desk import Desk
from mlops.retraining.retrain import Report, resume, retrain

__all__ = ["Desk", "Report", "resume", "retrain"]
