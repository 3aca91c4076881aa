"""Each service's own checker, by the directory of its files: what an undo asks before it replaces anything."""

from __future__ import annotations

import shutil
from typing import Any, List, Mapping, Sequence, Tuple

CHECKERS: Tuple[Tuple[str, Tuple[str, ...]], ...] = (
    ("/etc/ssh/sshd_config", ("sshd", "-t")),
    ("/etc/sudoers", ("visudo", "-c", "-q", "-f", "/etc/sudoers")),
    ("/etc/nginx/", ("nginx", "-t", "-q")),
    ("/etc/nftables", ("nft", "-c", "-f", "/etc/nftables.conf")),
)


def checkers_of(changes: Sequence[Mapping[str, Any]]) -> List[List[str]]:
    """Return the checkers of the services whose files the changes touched, where they are installed."""
    paths = {str(touch["name"]) for change in changes for touch in change["touches"] if touch["kind"] == "file"}
    return [
        list(argv)
        for prefix, argv in CHECKERS
        if any(path.startswith(prefix) for path in paths)
        and shutil.which(argv[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    ]
