"""What a check sees when its question could not be answered.

None of these is an AssertionError, ValueError or RuntimeError: testinfra and checks catch those and would
turn a lost connection into an answer.
"""

from __future__ import annotations


class NoAnswer(Exception):
    """A question to a host stayed without an answer."""


class TransportLost(NoAnswer):
    """The session ended, or never came about; the message says why."""


class CommandTimeout(NoAnswer):
    """The command did not end within its limit and was killed."""


class OutputTooLarge(NoAnswer):
    """The command wrote more than the limit and was killed."""
