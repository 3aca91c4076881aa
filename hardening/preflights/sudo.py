"""Whether sudo still lets us become root the way we do."""

from __future__ import annotations

from collections.abc import Iterator

from hardening.prediction import Consequence, Planned
from hardening.preflights.rule import Asked, Breakage, of_kind, preflight


def _is_set(item: Planned) -> bool:
    return item.value is True or str(item.value).lower() == "true"


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="sudo would ask our account for a password that we do not give",
    predicts_zh="sudo 将向我们的账号要求口令，而我们未提供",
    concerns=of_kind("linux.sudo_option", option="authenticate"),
    needs={"us": "login", "sudo": "sudo_grants"},
)
def sudo_password(asked: Asked) -> Iterator[Breakage]:
    """Judge as sudo does: the last rule that fits counts, and only its NOPASSWD makes the option void."""
    if asked.us.become != "sudo" or asked.us.gives_password or asked["us"]["over"] != "ssh":
        return
    grants = [grant for grant in asked["sudo"]["grants"] if grant.endswith("ALL")]
    free = bool(grants) and "NOPASSWD:" in grants[-1] and "!authenticate" not in asked["sudo"]["options"]
    items = [item for item in asked.items if _is_set(item)]
    if not free and items:
        yield asked.breaks(
            f"{asked['sudo']['user']} needs no password only because of `Defaults !authenticate`, which would go; "
            "give it a rule with NOPASSWD, or hand in the password (-K)",
            f"{asked['sudo']['user']} 目前仅因 `Defaults !authenticate` 免口令，该设置将失效；"
            "请改用 NOPASSWD 规则或提供口令（-K）",
            items,
        )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="sudo would insist on a terminal, which neither Ansible nor a scan has",
    predicts_zh="sudo 将要求终端，而 Ansible 与扫描均无终端",
    concerns=of_kind("linux.sudo_option", option="requiretty"),
    needs={"us": "login"},
)
def sudo_terminal(asked: Asked) -> Iterator[Breakage]:
    """Judge by how we become root."""
    items = [item for item in asked.items if _is_set(item)]
    if items and asked.us.become == "sudo" and asked["us"]["over"] == "ssh":
        yield asked.breaks(
            "with requiretty sudo refuses us: changes run without a terminal (pipelining)",
            "启用 requiretty 后 sudo 将拒绝我们：变更在无终端（pipelining）下执行",
            items,
        )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="sudo would ask for another account's password than the one that we give",
    predicts_zh="sudo 要求的将不再是我们所提供口令的账号",
    concerns=of_kind("linux.sudo_option", option=("rootpw", "targetpw", "runaspw")),
    needs={"us": "login"},
)
def sudo_other_password(asked: Asked) -> Iterator[Breakage]:
    """Judge where we hand in a password: it was root's, and would have to be the account's own, or the reverse."""
    if asked.us.become == "sudo" and asked.us.gives_password and asked["us"]["over"] == "ssh":
        yield asked.breaks(
            f"we give sudo a password, and with this change it asks for that of {_whose(asked)}",
            f"我们向 sudo 提供口令，而变更后它要求的是{'目标账号' if _target(asked) else '登录账号自己'}的口令",
        )


def _target(asked: Asked) -> bool:
    return any(_is_set(item) for item in asked.items)


def _whose(asked: Asked) -> str:
    return "the target account" if _target(asked) else "the account that logs in"
