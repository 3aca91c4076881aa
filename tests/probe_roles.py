"""A role whose modules do on purpose what real modules must not: crash, lie, fall silent, run for ever."""

from __future__ import annotations

from pathlib import Path

_HEAD = """#!/usr/bin/python
import os
import time
from ansible.module_utils.basic import AnsibleModule


def shaped(control, **more):
    result = {"changed": False, "failed": False, "reason": None, "touches": [], "after_actions": [], "diff": ""}
    return dict(result, id=control["id"], target=control["target"], **more)


spec = {"controls": {"type": "list", "elements": "dict"}, "campaign": {"type": "str"}}
module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
controls = module.params["controls"]
"""

MODULES = {
    # Reports every control as changed, with its value as the diff.
    "echo": """
campaign = module.params["campaign"]
results = [
    shaped(
        control,
        changed=not module.check_mode,
        failed="fail" in control["with"],
        reason=control["with"].get("fail"),
        touches=[{"kind": "file", "name": "/x", "before": None, "after": campaign}],
        after_actions=["reload:" + control["instance"], "uid:%d" % os.geteuid()],
        diff=str(control["value"]),
    )
    for control in controls
]
module.exit_json(changed=True, controls=results)
""",
    "crash": 'raise RuntimeError("the module lost its way")\n',
    "refuse": 'module.fail_json(msg="systemd does not run on this host")\n',
    "big": 'module.exit_json(changed=True, controls=[shaped(controls[0], diff="x" * controls[0]["value"])])\n',
    # Writes its process id into the pipe named by `started`, then works until it is killed.
    "slow": """
pipe = os.open(controls[0]["with"]["started"], os.O_WRONLY)
os.write(pipe, str(os.getpid()).encode())
os.close(pipe)
time.sleep(3600)
""",
    "half": "module.exit_json(changed=False, controls=[shaped(controls[0])])\n",
    "silent": "module.exit_json(changed=True)\n",
    "twice": """
once = shaped(controls[0])
module.exit_json(changed=False, controls=[once, once, dict(once, id="uninvited"), {"id": "shapeless"}])
""",
    "noutil": "from ansible.module_utils.hardening_nowhere import nothing\n",
}
# Kind -> the module it runs and what stands below its task.
KINDS = {
    **dict.fromkeys(MODULES, ""),
    "hidden": "  no_log: true\n",
    "ignored": "  ignore_errors: true\n",
    "absent": "",
}
_RUNS = {"hidden": "echo", "ignored": "crash"}


def write_probe_roles(root: Path) -> Path:
    """Write the role `probe` below root and return root, which then is a roles path."""
    for directory in ("probe/tasks", "probe/library", "core/library", "core/module_utils"):
        (root / directory).mkdir(parents=True)
    for name, text in MODULES.items():
        (root / f"probe/library/probe_{name}.py").write_text(_HEAD + text)
    for kind, below in KINDS.items():
        (root / f"probe/tasks/{kind}.yml").write_text(
            f"- name: Controls are reported\n  probe_{_RUNS.get(kind, kind)}:\n"
            f"    controls: \"{{{{ hardening_controls['probe.{kind}'] }}}}\"\n"
            f'    campaign: "{{{{ hardening_campaign }}}}"\n{below}'
        )
    return root
