"""Being an Ansible module: of one kind, or of many kinds that a host carries out in one task."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from .control import Control
from .errors import CannotApply
from .guard import Guard
from .host import Host
from .run import Checker, Plan, Run

Kind = Tuple[Plan, Dict[str, Any]]
ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "campaign": {"type": "str", "required": True},
    "guard": {"type": "dict"},
    "lease": {"type": "bool", "default": False},
}


def run_module(
    plan: Plan, *, validate: Sequence[Checker] = (), reload: Sequence[str] = (), closes: Sequence[str] = ()
) -> None:
    """Be the Ansible module of a kind: read the arguments, carry out, answer.

    `closes` are units that the kind has listen no longer on purpose; all others must answer as before.
    """
    module = _module({"type": "list", "elements": "dict", "required": True})
    kind = (plan, {"validate": validate, "reload": reload, "closes": closes})
    try:
        answer = answer_of(kind, module.params["controls"], module.params, check=module.check_mode)
    except CannotApply as error:
        module.fail_json(msg=str(error))
    module.exit_json(**answer)


def run_kinds(sources: Mapping[str, str]) -> None:
    """Be the Ansible module of many kinds, given the text of each one's own module, and carry them out in that order.

    `controls` is a mapping of kind to its controls. The answer has one entry for each kind of the host: what the kind's
    own module would have answered, with `failed` and `msg` where that would have failed; an error of one is its own.
    """
    module = _module({"type": "dict", "required": True})
    answers = []
    for name, source in sources.items():
        controls = module.params["controls"].get(name)
        if not controls:
            continue
        try:
            answer = answer_of(kind_of(name, source), controls, module.params, check=module.check_mode)
        except CannotApply as error:
            answer = {"failed": True, "msg": str(error)}
        except (Exception, SystemExit) as error:
            said = "{}: {}".format(type(error).__name__, error)
            answer = {"failed": True, "msg": said, "exception": traceback.format_exc()}
        answers.append(dict(answer, kind=name))
    module.exit_json(changed=any(answer.get("changed") for answer in answers), kinds=answers)


def answer_of(
    kind: Kind, controls: Sequence[Dict[str, Any]], asked: Mapping[str, Any], *, check: bool
) -> Dict[str, Any]:
    """Carry out a kind's controls and return what its module answers."""
    plan, options = kind
    host, campaign, guard = Host(), asked["campaign"], asked["guard"]
    run = Run(
        plan,
        [Control.from_item(item) for item in controls],
        host,
        campaign=campaign,
        check=check,
        guard=Guard(host, str(guard.get("campaign") or campaign), float(guard["seconds"])) if guard else None,
        lease=asked["lease"],
        **options,
    )
    results = run.carry_out()
    answer: Dict[str, Any] = {"controls": results, "validated": run.validated}
    if run.guard and run.guard.report:
        answer["guard"] = run.guard.report
    return dict(answer, changed=any(result["changed"] for result in results))


def kind_of(name: str, source: str) -> Kind:
    """Run the text of a kind's module and return what it hands to `run_module`, which is what it does as a program."""
    handed: List[Kind] = []

    def take(plan: Plan, **options: Any) -> None:
        handed.append((plan, options))

    package = sys.modules[__name__.rpartition(".")[0]]
    kept: Optional[Callable[..., None]] = getattr(package, "run_module", None)
    setattr(package, "run_module", take)  # noqa: B010 - a module attribute, which no type knows as assignable
    try:
        exec(compile(source, name + ".py", "exec", dont_inherit=True), {"__name__": "__main__"})  # noqa: S102
    finally:
        setattr(package, "run_module", kept)  # noqa: B010
    if len(handed) != 1:
        raise CannotApply("the module of {} calls run_module {} times instead of once".format(name, len(handed)))
    return handed[0]


def _module(controls: Dict[str, Any]) -> Any:
    from ansible.module_utils.basic import AnsibleModule

    return AnsibleModule(argument_spec=dict(ARGUMENTS, controls=controls), supports_check_mode=True)
