"""Repair of damaged tables: only damaged cells change, and every change can be taken back."""
