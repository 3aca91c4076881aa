"""The accounts of every lab host.

These passwords open nothing but throw-away hosts that only this machine can reach.
"""

from __future__ import annotations

ROOT_PASSWORD = "Lab-root-7519-pass"
"""Root's password, for `su`."""

OPS_PASSWORD = "Lab-ops-4862-pass"
"""The password of ops, opspw and opssu, for `sudo` where it asks."""

KEY_USERS = ("ops", "opspw", "opssu")
"""ops: sudo without a password. opspw: sudo asks. opssu: no sudo, becomes root through `su`."""
