"""Office files are zip archives; here they are written so that the same content gives the same bytes."""

from __future__ import annotations

import io
import zipfile

# What a zip archive can hold that comes first; XlsxWriter uses it, too.
EPOCH = (1980, 1, 1, 0, 0, 0)


def settled(archive: bytes) -> bytes:
    """Return an archive with the same members in the same order, without the moment and system it was written on."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o600 << 16
            with old.open(name) as source, new.open(member, "w", force_zip64=False) as target:
                while block := source.read(1 << 20):
                    target.write(block)
    return made.getvalue()
