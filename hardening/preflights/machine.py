"""Whether the host has room for the change, boots after it, and runs its programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hardening.prediction import Consequence, Need, Planned
from hardening.preflights.rule import Asked, Breakage, Needs, Unknown, listed, of_kind, preflight

# What a change needs at most besides packages: copies of what it touches, the journal, and drop-ins.
LEAST_BYTES = 64 * 2**20
LEAST_BYTES_FOR_PACKAGES = 512 * 2**20
LEAST_INODES = 1000


@preflight(
    consequence=Consequence.FAILURE,
    predicts="a place that the change writes to is full, nearly full, without free inodes, or read-only",
    predicts_zh="变更要写入的位置已满、将满、无空闲 inode 或只读",
    concerns=lambda item: True,
    needs={"room": "room"},
)
def no_room(asked: Asked) -> Iterator[Breakage]:
    """Judge each file system once, that of our home too, where Ansible puts its modules; packages need more."""
    packages = any(item.kind == "linux.packages" and str(item.value) == "present" for item in asked.items)
    least = LEAST_BYTES_FOR_PACKAGES if packages else LEAST_BYTES
    for mount in {each["mount"]: each for each in reversed(asked["room"])}.values():
        free, inodes = mount["free_bytes"], mount["free_inodes"]
        if mount["read_only"]:
            why, why_zh = "is mounted read-only", "以只读方式挂载"
        elif free < least:
            why, why_zh = f"has {free / 2**20:.0f} MiB free", f"剩余 {free / 2**20:.0f} MiB"
        elif inodes is not None and inodes < LEAST_INODES:
            why, why_zh = f"has {inodes} inodes free", f"剩余 {inodes} 个 inode"
        else:
            continue
        yield asked.breaks(
            f"{mount['mount']} (for {mount['path']}) {why}; a change could stop half way",
            f"{mount['mount']}（{mount['path']}）{why_zh}；变更可能中途停止",
        )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="the next boot would stop at /etc/fstab, which a mount option is written to",
    predicts_zh="要写入挂载选项的 /etc/fstab 有误，下次启动将停住",
    concerns=of_kind("linux.mount"),
    needs={"errors": "fstab_errors"},
)
def fstab_broken(asked: Asked) -> Iterator[Breakage]:
    """Judge by findmnt's own check of the file; what is wrong in it now stays wrong beside our line."""
    if asked["errors"]:
        yield asked.breaks(
            f"/etc/fstab is faulty already: {listed(asked['errors'], 3)}; the change makes systemd read it anew",
            f"/etc/fstab 现已有误：{listed(asked['errors'], 3)}；变更会使 systemd 重新读取",
        )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="a kernel module would be blocked that a mounted file system, fstab or the running kernel uses",
    predicts_zh="将被禁用的内核模块正被已挂载的文件系统、fstab 或运行中的内核使用",
    concerns=of_kind("linux.module"),
    needs={"used": "modules_in_use"},
)
def module_needed(asked: Asked) -> Iterator[Breakage]:
    """Judge by what is in use now; after a reboot it could not be loaded any more."""
    for item in asked.items:
        name = str(item.params.get("name", ""))
        by = []
        if name.replace("-", "_") in [module.replace("-", "_") for module in asked["used"]["modules"]]:
            by.append("the running kernel")
        if name in asked["used"]["file_systems"]:
            by.append("a file system that is mounted or in fstab")
        if by:
            yield asked.breaks(
                f"{name} is used by {' and '.join(by)}; after the next boot it could not be loaded",
                f"{name} 正在使用中；下次启动后将无法加载",
                [item],
            )


def _programs(items: Sequence[Planned]) -> Needs:
    return {f"below {item.params['path']}": Need(look="programs_below", params=item.params) for item in items}


def _takes_programs(item: Planned) -> bool:
    values = item.value if isinstance(item.value, list) else [item.value]
    return item.kind == "linux.mount" and "noexec" in values


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="programs run from, lie in or are unpacked to a file system that would be mounted noexec",
    predicts_zh="有程序从将以 noexec 挂载的文件系统运行、存放或解包于其中",
    concerns=_takes_programs,
    needs=_programs,
)
def noexec_in_use(asked: Asked) -> Iterator[Breakage]:
    """Judge by what runs and lies there now, and by where apt unpacks the questions of packages."""
    for item in asked.items:
        path = item.params["path"]
        there = asked[f"below {path}"]
        said = [f"runs now: {listed(there['running'], 3)}"] if there["running"] else []
        said += [f"lies there: {listed(there['lying'], 3)}"] if there["lying"] else []
        said += ["apt unpacks the questions of packages there"] if there["apt"] else []
        if said:
            yield asked.breaks(
                f"{path} would be noexec; {'; '.join(said)}",
                f"{path} 将以 noexec 挂载；受影响的程序：{listed([*there['running'], *there['lying']], 3) or 'apt'}",
                [item],
            )


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="a web server serves pages out of a home directory that would be closed to it",
    predicts_zh="Web 服务器正在提供某个主目录中的页面，而该目录将对其关闭",
    concerns=of_kind("linux.home_modes"),
    needs={"roots": "document_roots", "homes": "home_directories"},
)
def home_holds_pages(asked: Asked) -> Iterator[Breakage]:
    """Judge the directories that lie below a home whose mode would change."""
    open_to_others = [
        f"{each['path']} ({each['account']})"
        for each in asked["roots"]
        if any(each["path"].startswith(f"{home.rstrip('/')}/") for home in asked["homes"])
    ]
    if open_to_others:
        yield asked.breaks(
            f"served out of home directories: {listed(open_to_others)}; move them, or let the server in by ACL",
            f"正在从主目录提供页面：{listed(open_to_others)}；请移至他处，或用 ACL 放行",
        )


AUDIT_ACTIONS = ("space_left_action", "admin_space_left_action", "disk_full_action")


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="auditd would halt the host at once, because its disk is about as full as the limit says",
    predicts_zh="审计日志所在磁盘已接近阈值，auditd 将立即停机",
    concerns=lambda item: (
        item.kind == "linux.auditd_option"
        and item.params.get("option") in AUDIT_ACTIONS
        and str(item.value).lower() in ("halt", "single")
    ),
    needs={"room": "audit_room"},
)
def audit_halts(asked: Asked) -> Iterator[Breakage]:
    """Judge by twice the larger of the limits that auditd has now."""
    free, limit = asked["room"]["free_mib"], asked["room"]["limit_mib"]
    if free < 2 * limit:
        yield asked.breaks(
            f"{free} MiB are free for audit logs, and auditd acts at {limit} MiB",
            f"审计日志剩余空间 {free} MiB，auditd 的阈值为 {limit} MiB",
        )


def _is_umask(item: Planned) -> bool:
    named = item.params.get("name", item.params.get("option"))
    return item.kind in ("linux.shell_setting", "linux.login_defs") and str(named).lower() == "umask"


@preflight(
    consequence=Consequence.OUTAGE,
    predicts="what people put into a web server's directories under the new umask, the web server could not read",
    predicts_zh="在新 umask 下放入 Web 目录的文件，Web 服务器将无法读取",
    concerns=_is_umask,
    needs={"roots": "document_roots"},
)
def umask_hides_pages(asked: Asked) -> Iterator[Breakage]:
    """Judge the directories that the server reads as a stranger to owner and group."""
    stranger = [each for each in asked["roots"] if each["reads_as"] == "others"]
    try:
        items = [item for item in asked.items if int(str(item.value), 8) & 0o004]
    except ValueError:
        raise Unknown("the planned umask is no octal number") from None
    if stranger and items:
        paths = listed(f"{each['path']} ({each['owner']}:{each['group']})" for each in stranger)
        yield asked.breaks(
            f"new files in {paths} are closed to {stranger[0]['account']}; give the directory its group and setgid",
            f"{paths} 中的新文件 {stranger[0]['account']} 将无法读取；请为目录设置其组并加 setgid",
            items,
        )
