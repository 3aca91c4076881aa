"""The verbs: one file each, one natural direction each, never importing one another."""
