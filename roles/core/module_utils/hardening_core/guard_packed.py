"""Our own library as one file for the host to keep: so a confirmation needs nothing of us but a new login.

A module of Ansible has to be sent anew each time it is run, by a program that takes a second to start.
"""

from __future__ import annotations

import io
import sys
import zipfile

from .guard_end import main as confirmation

PACKAGE = confirmation.__module__.rpartition(".")[0]
NAME = PACKAGE.rpartition(".")[2]


def packed() -> bytes:
    """Return what a confirmation needs, and what else of ours is loaded, as a file that Python imports from."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, module in sorted(sys.modules.items()):
            spec = getattr(module, "__spec__", None)
            if not (name + ".").startswith(PACKAGE + ".") or spec is None:
                continue
            place = (NAME + name[len(PACKAGE) :]).replace(".", "/")
            is_package = spec.submodule_search_locations is not None
            # Of a fixed date: a host may believe that it is 1970, which no such file can hold.
            entry = zipfile.ZipInfo(place + ("/__init__.py" if is_package else ".py"))
            archive.writestr(entry, spec.loader.get_source(name), zipfile.ZIP_DEFLATED)
    return content.getvalue()
