#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Kind linux.pam_password_hash: how pam_unix hashes new passwords. The value is the method."""

from __future__ import annotations

from ansible.module_utils.hardening_core import CannotApply, Control, System, run_module

METHODS = ("yescrypt", "gost_yescrypt", "sha512", "sha256", "blowfish", "md5", "bigcrypt")


def plan(control: Control, system: System) -> None:
    """Change the word on pam_unix's line; pam-auth-update keeps it."""
    method = str(control.value)
    if method not in METHODS:
        raise CannotApply(method + " is no hash method; there are: " + ", ".join(METHODS))
    if not system.file("/etc/pam.d/common-password").exists:
        raise CannotApply("this system has no /etc/pam.d/common-password")
    handle = system.resource("pam_argument", "common-password password pam_unix.so " + "|".join(METHODS))
    if handle.state["words"] != [[0, method]]:
        handle.change(words=[[0, method]], places=handle.state["places"][:1])


if __name__ == "__main__":
    run_module(plan)
