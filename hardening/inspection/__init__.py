"""Routine inspection: items and plans as data, anomalies as numbered incidents, records and reports on time."""
