"""Sealed bundles of evidence: how they are laid out, signed, read safely and verified. Needs no ledger."""
