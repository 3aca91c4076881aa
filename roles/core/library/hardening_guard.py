#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""End the guard of a campaign: confirm its changes over this very login, or have the host put back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_guard
short_description: Confirm or revert the guarded changes of a campaign
description:
  - A guarded run of the hardening modules leaves a timer on the host that puts back what it changed.
  - V(confirm) keeps the changes and removes the guard, where this login is newer than the last write and everything
    is still as the campaign left it; V(revert) puts the host back now; V(status) only tells.
  - RV(outcome) is C(confirmed), C(reverted), C(revert_failed), C(none), C(refused), or for V(status) also C(armed) or
    C(reverting); RV(details) says why, and what failed or was put aside.
options:
  campaign:
    description: The campaign whose guard is meant.
    type: str
    required: true
  action:
    description: What to do.
    type: str
    choices: [confirm, status, revert]
    required: true
  login:
    description: False where nobody logs in because the controller runs on this host; then no login has to be new.
    type: bool
    default: true
author: The hardening project
"""

# Ansible wants the documentation above the imports.
import functools  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible.module_utils.hardening_core import CannotApply, Host  # noqa: E402
from ansible.module_utils.hardening_core.guard_end import confirm, revert, status  # noqa: E402


def main() -> None:
    """Read the arguments, do it, answer."""
    module = AnsibleModule(
        argument_spec={
            "campaign": {"type": "str", "required": True},
            "action": {"type": "str", "required": True, "choices": ["confirm", "status", "revert"]},
            "login": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    asked = "status" if module.check_mode else module.params["action"]
    confirms = functools.partial(confirm, by_login=module.params["login"])
    act = {"confirm": confirms, "status": status, "revert": revert}[asked]
    try:
        said = act(Host(), module.params["campaign"])
    except (CannotApply, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=act is not status and said["outcome"] in ("confirmed", "reverted"), guard=said)


if __name__ == "__main__":
    main()
