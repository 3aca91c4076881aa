"""What becomes of the account that we use: its shell, its password, its dates, and what PAM makes of it."""

from __future__ import annotations

from collections.abc import Iterator

from hardening.prediction import Consequence, Planned
from hardening.preflights.rule import Asked, Breakage, Unknown, listed, number, of_kind, preflight, seen_names, sshd

CLOSING = ("empty_password", "system_with_shell", "system_with_password", "shell_less_with_password")


def _pam(item: Planned) -> bool:
    return sshd("UsePAM")(item) and str(item.value).lower() == "yes"


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="the account that we log in with would lose its shell, or its password be locked while we need it",
    predicts_zh="我们登录所用的账号将失去登录 shell，或其口令在仍需使用时被锁定",
    concerns=of_kind("linux.accounts", which=CLOSING),
    needs={"us": "login", "how": "login_method"},
)
def account_closed(asked: Asked) -> Iterator[Breakage]:
    """Judge by the accounts that the look listed; a lock matters where we come or become root by a password."""
    us = asked["us"]
    for item in asked.items:
        if us["over"] != "ssh" or us["user"] not in seen_names(item):
            continue
        if item.params["which"] == "system_with_shell":
            yield asked.breaks(
                f"{us['user']}, which we log in with, would get the shell that refuses every login",
                f"我们登录所用的 {us['user']} 的 shell 将被改为拒绝登录",
                [item],
            )
        elif asked["how"]["method"] != "publickey" or asked.us.gives_password:
            yield asked.breaks(
                f"the password of {us['user']} would be locked, and we need it to come in or to become root",
                f"{us['user']} 的口令将被锁定，而我们登录或提权需要它",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="PAM would refuse our account, because it or its password has expired",
    predicts_zh="账号或其口令已过期，PAM 将拒绝我们的账号",
    concerns=_pam,
    needs={"us": "login", "account": "our_account"},
)
def account_expired(asked: Asked) -> Iterator[Breakage]:
    """Judge by the dates of /etc/shadow, as pam_unix does once sshd asks it."""
    if asked["us"]["over"] != "ssh":
        return
    account = asked["account"]
    today, changed, longest = account["today"], account["last_change"], account["max_days"]
    if account["expires"] is not None and account["expires"] <= today:
        why, why_zh = "the account has expired", "账号已过期"
    elif changed == 0:
        why, why_zh = "the password has to be changed at the next login", "口令须在下次登录时修改"
    elif changed is not None and longest is not None and 0 <= longest < 10000 and changed + longest < today:
        why, why_zh = "the password is older than it may be", "口令已超过有效期"
    else:
        return
    yield asked.breaks(
        f"with UsePAM sshd asks PAM about {account['user']}: {why}",
        f"启用 UsePAM 后 sshd 将由 PAM 检查 {account['user']}：{why_zh}",
    )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="without PAM sshd refuses an account whose password is locked, also by key",
    predicts_zh="不使用 PAM 时，sshd 拒绝口令被锁定的账号，即使使用密钥",
    concerns=lambda item: sshd("UsePAM")(item) and str(item.value).lower() == "no",
    needs={"us": "login", "account": "our_account"},
)
def account_locked(asked: Asked) -> Iterator[Breakage]:
    """Judge by the class of the password in /etc/shadow."""
    if asked["us"]["over"] == "ssh" and asked["account"]["password"] == "locked":  # noqa: S105 - a class
        user = asked["account"]["user"]
        yield asked.breaks(
            f"the password of {user} is locked, and without PAM sshd lets such an account in by no means",
            f"{user} 的口令已锁定；不使用 PAM 时 sshd 不允许其以任何方式登录",
        )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="our account, or root, has about as many failed logins as faillock would allow",
    predicts_zh="我们的账号或 root 的失败登录次数已接近 faillock 的上限",
    concerns=of_kind("linux.faillock", option=("deny", "even_deny_root")),
    needs={"failed": "failed_logins"},
)
def faillock_near_limit(asked: Asked) -> Iterator[Breakage]:
    """Judge the tallies that pam_faillock has now against the planned limit; one more try than now may lock."""
    limits = [number(item.value) for item in asked.items if item.params.get("option") == "deny"]
    deny = next((limit for limit in limits if limit is not None), 3)
    root_too = any(item.params.get("option") == "even_deny_root" for item in asked.items)
    near = {user: count for user, count in asked["failed"].items() if count and count >= deny - 1}
    for user, count in near.items():
        if user != "root" or root_too:
            yield asked.breaks(
                f"faillock counts {count} failed logins of {user}, and would lock at {deny}; "
                f"`faillock --user {user} --reset` forgets them",
                f"faillock 已记录 {user} 失败登录 {count} 次，上限将为 {deny}；"
                f"可用 `faillock --user {user} --reset` 清除",
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="we become root by su, and only the members of a group could, which our account is not in",
    predicts_zh="我们通过 su 提权，而今后仅限某组成员，我们的账号不在该组",
    concerns=of_kind("linux.su_group"),
    needs={"us": "login"},
)
def su_denied(asked: Asked) -> Iterator[Breakage]:
    """Judge by the groups of the account that logged in."""
    us = asked["us"]
    for item in asked.items:
        if asked.us.become == "su" and us["over"] == "ssh" and str(item.value) not in us["groups"]:
            yield asked.breaks(
                f"we become root by su, and {us['user']} is not in the group {item.value}",
                f"我们通过 su 提权，而 {us['user']} 不在 {item.value} 组",
                [item],
            )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="pam_loginuid would refuse every login, because this container must not set login numbers",
    predicts_zh="该容器无权设置登录 UID，pam_loginuid 将拒绝所有登录",
    concerns=of_kind("linux.pam_module", module="pam_loginuid.so"),
    needs={"settable": "login_uid_settable"},
)
def pam_loginuid_refuses(asked: Asked) -> Iterator[Breakage]:
    """Judge by the right that the whole system has."""
    if not asked["settable"]:
        yield asked.breaks(
            "this system lacks the capability audit_control, so pam_loginuid (required) fails for every login",
            "系统缺少 audit_control 能力，required 的 pam_loginuid 将使所有登录失败",
        )


# What a module in the ways in cannot refuse by: those that never do, and those with a preflight of their own.
HARMLESS = (
    *("pam_cap", "pam_env", "pam_faildelay", "pam_keyinit", "pam_lastlog", "pam_limits", "pam_loginuid", "pam_mail"),
    *("pam_motd", "pam_permit", "pam_pwhistory", "pam_pwquality", "pam_rootok", "pam_selinux", "pam_systemd"),
    *("pam_umask", "pam_unix", "pam_warn"),
)


def _gate(item: Planned) -> bool:
    return (
        item.kind == "linux.pam_module"
        and str(item.value) == "present"
        and item.params.get("type") in ("auth", "account", "session")
        and str(item.params.get("module")).removesuffix(".so") not in HARMLESS
    )


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="a module that can refuse logins would be required of PAM, and refuses ours, or is not installed",
    predicts_zh="PAM 将要求一个可拒绝登录的模块，而它会拒绝我们的登录，或尚未安装",
    concerns=_gate,
    needs={"us": "login", "gates": "pam_gates"},
)
def pam_gate(asked: Asked) -> Iterator[Breakage]:
    """Judge the modules whose configuration is known; a required module that is missing fails every login."""
    us, gates = asked["us"], asked["gates"]
    for item in asked.items:
        module = str(item.params["module"]).removesuffix(".so")
        why = why_zh = ""
        if module not in gates["installed"]:
            why, why_zh = "it is not installed", "该模块未安装"
        elif module == "pam_deny":
            why, why_zh = "it refuses everybody", "它拒绝所有人"
        elif module == "pam_nologin" and gates["nologin"] and us["user"] != "root":
            why, why_zh = f"{listed(gates['nologin'])} exists", f"{listed(gates['nologin'])} 存在"
        elif module == "pam_shells" and us["over"] == "ssh" and us["shell"] not in gates["shells"]:
            why, why_zh = f"{us['shell']} is not in /etc/shells", f"{us['shell']} 不在 /etc/shells 中"
        elif module in ("pam_access", "pam_time") and gates["rules"][module]:
            raise Unknown(f"{module} has rules ({listed(gates['rules'][module], 2)}), which are not judged here")
        elif module not in ("pam_nologin", "pam_shells", "pam_access", "pam_time"):
            raise Unknown(f"whom {module} refuses depends on how it is configured")
        if why:
            yield asked.breaks(f"{module} would be required, and {why}", f"将要求 {module}，而{why_zh}", [item])


@preflight(
    consequence=Consequence.LOCKOUT,
    predicts="an account has as many sessions already as a limit on logins would allow",
    predicts_zh="某账号的会话数已达到登录数上限",
    concerns=of_kind("linux.limit", item="maxlogins"),
    needs={"sessions": "login_sessions"},
)
def logins_at_limit(asked: Asked) -> Iterator[Breakage]:
    """Judge what pam_limits would count now; root is never limited."""
    for item in asked.items:
        most = number(item.value)
        full = {u: n for u, n in asked["sessions"].items() if most is not None and n >= most and u != "root"}
        for user, count in full.items():
            yield asked.breaks(
                f"{user} has {count} sessions now, and the limit would be {most}: its next login is refused",
                f"{user} 当前有 {count} 个会话，上限将为 {most}：其下一次登录会被拒绝",
                [item],
            )
