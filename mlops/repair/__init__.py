"""Repair of damaged tables: only damaged cells change, and every change can be taken back."""

from mlops.repair.report import RepairReport
from mlops.repair.run import repair_table
from mlops.repair.undo import undo

__all__ = ["RepairReport", "repair_table", "undo"]
