"""Room to write in, what boot would mount, and what runs from where."""

from __future__ import annotations

from typing import Any

from checks import read
from checks.linux.accounts import local_accounts
from checks.linux.mounts import mounted
from checks.linux.reading import text_or_none
from checks.preflight.login import home_of_login
from checks.preflight.marking import look

WRITTEN = ("/", "/etc", "/var/lib", "/tmp")
MAPPED = """awk '$2 ~ /x/ && substr($6, 1, 1) == "/" {print $6}' /proc/[0-9]*/maps 2>/dev/null | sort -u"""


@look
def room(host: Any) -> list[dict[str, Any]]:
    """Return for each place that a change writes to: free bytes, free inodes (None where there is no such limit), ro.

    Source: `df` of GNU coreutils and /proc/self/mounts.
    """
    places = [*WRITTEN, *filter(None, [home_of_login(host)])]
    asked = f"df --output=file,target,itotal,iavail,avail --block-size=1 {' '.join(['%s'] * len(places))}"
    lines = read(host, asked, *places).splitlines()
    options = mounted(read(host, "cat /proc/self/mounts"))
    found = []
    for line in lines[1:]:
        path, target, inodes, free_inodes, free_bytes = line.split()
        found.append(
            {
                "path": path,
                "mount": target,
                "free_bytes": int(free_bytes),
                "free_inodes": int(free_inodes) if inodes.isdigit() and int(inodes) > 0 else None,
                "read_only": "ro" in options.get(target, []),
            }
        )
    return found


@look
def fstab_errors(host: Any) -> list[str]:
    """Return what findmnt finds wrong with /etc/fstab as it is: lines that do not parse, and errors of lines that do.

    Source: `findmnt --verify` (util-linux), whose warnings are left out.
    """
    if text_or_none(host, "/etc/fstab") is None:
        return []
    said = host.run("LC_ALL=C findmnt --verify")
    if said.rc == 127:
        read(host, "findmnt --verify")  # Raises with the reason.
    place, found = "", []
    for line in f"{said.stdout}\n{said.stderr}".splitlines():
        if line[:1] not in ("", " "):
            place = line.strip()
        if "[E]" in line or "parse error" in line:
            found.append(f"{place}: {line.strip()}" if line[:1] == " " else line.strip())
    return found


@look
def modules_in_use(host: Any) -> dict[str, list[str]]:
    """Return the kernel modules that something uses now, and the types of file systems mounted or named in fstab."""
    # A kernel that loads no modules has no list of them.
    listing = read(host, "cat /proc/modules") if host.run("test -e /proc/modules").rc == 0 else ""
    used = [
        fields[0]
        for fields in (line.split() for line in listing.splitlines())
        if len(fields) > 2 and fields[2].isdigit() and int(fields[2]) > 0
    ]
    tables = (read(host, "cat /proc/self/mounts"), text_or_none(host, "/etc/fstab") or "")
    types = {
        fields[2]
        for table in tables
        for fields in (line.split() for line in table.splitlines())
        if len(fields) > 3 and not fields[0].startswith("#")
    }
    return {"modules": sorted(used), "file_systems": sorted(types)}


@look
def programs_below(host: Any, *, path: str) -> dict[str, Any]:
    """Return what runs from a directory now, which programs lie in it, and whether apt unpacks its questions there."""
    mapped = read(host, MAPPED).splitlines()
    below = f"{path.rstrip('/')}/"
    lying = read(host, "find %s -xdev -type f -perm /111 2>/dev/null | head -n 20", path).splitlines()
    # Where apt-utils is installed, apt unpacks and runs what packages ask before they are installed.
    asks = host.run("test -x /usr/bin/apt-extracttemplates").rc == 0
    told = read(host, "apt-config shell AT APT::ExtractTemplates::TempDir").strip() if asks else ""
    return {
        "running": [program for program in mapped if program.startswith(below)],
        "lying": lying,
        "apt": asks and (told.partition("=")[2].strip("'") or "/tmp") == path.rstrip("/"),
    }


@look
def home_directories(host: Any) -> list[str]:
    """Return the home of every account that a person may use."""
    return sorted({account.home for account in local_accounts(host) if account.can_log_in and account.home != "/"})


@look
def audit_room(host: Any) -> dict[str, int]:
    """Return how much is free where auditd logs, and the larger of the limits at which it acts, in MiB.

    A limit in per cent is of the whole file system (auditd.conf(5)).
    """
    settings = {
        name.strip().lower(): value.strip()
        for name, equals, value in (
            line.partition("=") for line in read(host, "cat /etc/audit/auditd.conf").splitlines()
        )
        if equals and not name.lstrip().startswith("#")
    }
    place = settings.get("log_file", "/var/log/audit/audit.log").rpartition("/")[0]
    whole, free = read(host, "df --output=size,avail --block-size=1M %s", place).splitlines()[1].split()
    limits = [settings.get(name, "0") for name in ("space_left", "admin_space_left")]
    sizes = [int(whole) * int(each[:-1]) // 100 if each.endswith("%") else int(each) for each in limits]
    return {"free_mib": int(free), "limit_mib": max(sizes)}


@look
def document_roots(host: Any) -> list[dict[str, str]]:
    """Return the directories that a web server serves and the account it reads them as, with their owner and group."""
    from checks.nginx import configuration, targets

    if not targets(host):
        return []
    main = configuration(host)
    account = ((main.values("user") or ["nobody"])[-1]).split(" ")[0]
    groups = set(read(host, "id -Gn -- %s", account).split())
    found = []
    for path in sorted({value for block in main.everywhere() for value in block.values("root")}):
        said = host.run("stat -L -c '%%U %%G %%a' %s", path)
        if said.rc == 0:
            owner, group, mode = said.stdout.split()
            reads = "owner" if owner == account else "group" if group in groups and int(mode, 8) & 0o2000 else "others"
            found.append({"path": path, "owner": owner, "group": group, "reads_as": reads, "account": account})
    return found
