"""What can go wrong in the lab itself."""

from __future__ import annotations


class LabError(Exception):
    """The lab could not do what was asked; the message says what, where and what to do."""
