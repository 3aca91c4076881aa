#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Tell which resources are not as a campaign left them, and who changed them. Changes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: hardening_present
short_description: Compare resources with the state in which a campaign left them
description:
  - Each resource is read and compared; nothing is written, in check mode and out of it.
  - Where one differs, or where O(resources) has no C(left), the host tells what it knows of the change.
options:
  resources:
    description: Resources, each with C(id), C(target), C(kind), C(name) and C(left), the state they were left in.
    type: list
    elements: dict
    required: true
  since:
    description: When they were left, in seconds of the epoch.
    type: float
    required: true
  known:
    description: Campaigns that are no news as the writer of a resource.
    type: list
    elements: str
    default: []
author: The hardening project
"""

# Ansible wants the documentation above the imports.
from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible.module_utils.hardening_core import Host  # noqa: E402
from ansible.module_utils.hardening_core.present import compare  # noqa: E402


def main() -> None:
    """Read the arguments, look, answer."""
    module = AnsibleModule(
        argument_spec={
            "resources": {"type": "list", "elements": "dict", "required": True},
            "since": {"type": "float", "required": True},
            "known": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    asked = module.params
    results = compare(asked["resources"], Host(), since_s=asked["since"], known=asked["known"])
    # Ansible's own word for "this module changed the host", which it did not.
    module.exit_json(changed=False, controls=results)


if __name__ == "__main__":
    main()
