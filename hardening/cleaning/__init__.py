"""Cleaning of logs and temporary files by rule: found, planned, read by a person, deleted, recorded as a campaign."""
