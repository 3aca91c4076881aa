"""Planning, validating, writing and undoing of changes on a host, for every kind of control.

roles/core/README.md tells how a kind is written.
"""

from __future__ import annotations

from .control import Control, State
from .errors import CannotApply, ChangedSince
from .file_handle import FileHandle
from .host import Host, Ran
from .modules import run_kinds, run_module
from .overlay import Overlay, Present
from .run import Run, carry_out
from .system import System

__all__ = [
    "CannotApply",
    "ChangedSince",
    "Control",
    "FileHandle",
    "Host",
    "Overlay",
    "Present",
    "Ran",
    "Run",
    "State",
    "System",
    "carry_out",
    "run_kinds",
    "run_module",
]
