"""The boot loader's menu."""

from __future__ import annotations

import re
from typing import Any

from checks import NotApplicable, kind
from checks.linux.reading import text_or_none


@kind
def boot_menu_password(host: Any) -> str:
    """Return whether GRUB asks for a password before its entries can be edited: `asked` or `not asked`."""
    for path in ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"):
        text = text_or_none(host, path)
        if text is None:
            continue
        users = text_or_none(host, "/boot/grub2/user.cfg") or ""
        asked = re.search(r"^\s*set superusers=\"?\S", text, re.MULTILINE) and re.search(
            r"^\s*password(_pbkdf2)?\s+\S+\s+\S|^GRUB2_PASSWORD=", text + users, re.MULTILINE
        )
        return "asked" if asked else "not asked"
    raise NotApplicable("there is no GRUB menu on this host")
