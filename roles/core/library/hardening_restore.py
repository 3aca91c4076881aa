#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Undo changes of kinds' modules: put back what was there before, control by control."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_restore
short_description: Undo changes that hardening modules reported
description:
  - Takes the touches of each change back, newest first.
  - A resource that is as we left it is put back exactly; one that was changed since is merged, by block or by line.
  - Where both sides changed the same thing the control is refused, unless O(force) is set.
options:
  changes:
    description: Changes as the modules reported them (C(id), C(target), C(touches), C(after_actions)), newest first.
    type: list
    elements: dict
  journal_of:
    description: Instead of O(changes), undo what the journal on the host says of this campaign (its record was lost).
    type: str
  campaign:
    description: Name of the undoing campaign, for the journal on the host.
    type: str
    required: true
  force:
    description: Put back what was before even where something else was changed since.
    type: bool
    default: false
  guard:
    description: Have the host take the undo back by itself after C(seconds) unless that is confirmed for C(campaign).
    type: dict
  lease:
    description: Refuse where this host does not hold the lease of O(campaign), which the controller took before.
    type: bool
    default: false
author: The hardening project
"""

# Ansible wants the documentation above the imports.
from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible.module_utils.hardening_core import CannotApply, Host  # noqa: E402
from ansible.module_utils.hardening_core.guard import Guard  # noqa: E402
from ansible.module_utils.hardening_core.restore import Undo, journal_of  # noqa: E402


def main() -> None:
    """Read the arguments, undo, answer."""
    module = AnsibleModule(
        argument_spec={
            "changes": {"type": "list", "elements": "dict"},
            "journal_of": {"type": "str"},
            "campaign": {"type": "str", "required": True},
            "force": {"type": "bool", "default": False},
            "guard": {"type": "dict"},
            "lease": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
        mutually_exclusive=[("changes", "journal_of")],
        required_one_of=[("changes", "journal_of")],
    )
    try:
        host = Host()
        changes = module.params["changes"]
        if module.params["journal_of"]:
            changes = journal_of(host, module.params["journal_of"]).changes()
        asked = module.params["guard"]
        undo = Undo(
            changes,
            host,
            campaign=module.params["campaign"],
            check=module.check_mode,
            force=module.params["force"],
            guard=Guard(host, str(asked["campaign"]), float(asked["seconds"])) if asked else None,
            lease=module.params["lease"],
        )
    except CannotApply as error:
        module.fail_json(msg=str(error))
    changed = any(result["changed"] for result in undo.results)
    answer = {"controls": undo.results, "validated": undo.validated}
    if undo.run.guard and undo.run.guard.report:
        answer["guard"] = undo.run.guard.report
    module.exit_json(changed=changed, **answer)


if __name__ == "__main__":
    main()
