"""What chmod does to an access ACL, so that a planned mode and a planned ACL agree (acl(5), CORRESPONDENCE)."""

from __future__ import annotations

import base64
import struct
from typing import Dict

NAME = "system.posix_acl_access"
OWNER, OWNING_GROUP, MASK, OTHER = 0x01, 0x04, 0x10, 0x20


def after_chmod(attributes: Dict[str, str], mode: int) -> Dict[str, str]:
    """Return the extended attributes as they are once the mode is set: the group bits are the ACL's mask."""
    if NAME not in attributes:
        return attributes
    raw = base64.b64decode(attributes[NAME])
    entries = [list(entry) for entry in struct.iter_unpack("<HHI", raw[4:])]
    group_tag = MASK if any(entry[0] == MASK for entry in entries) else OWNING_GROUP
    for entry in entries:
        shift = {OWNER: 6, group_tag: 3, OTHER: 0}.get(entry[0])
        if shift is not None:
            entry[1] = mode >> shift & 7
    packed = raw[:4] + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    return {**attributes, NAME: base64.b64encode(packed).decode("ascii")}
