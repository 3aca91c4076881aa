"""Configuration that several files make together: systemd's, PAM's limits, apt's."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, NotApplicable, kind, read
from checks.linux.reading import tool


@kind
def systemd_option(host: Any, *, file: str, section: str, option: str) -> str | None:
    """Return an option of a systemd configuration file (coredump.conf, ...) with its drop-ins; None where unset."""
    text = read(host, "systemd-analyze cat-config %s", f"systemd/{file}")
    value = None
    inside = ""
    for raw in text.splitlines():
        line = raw.strip()
        if header := re.fullmatch(r"\[(.+)\]", line):
            inside = header[1]
        elif inside == section and not line.startswith(("#", ";")) and line.partition("=")[0].strip() == option:
            value = line.partition("=")[2].strip() or None
    return value


@kind
def limit(host: Any, *, domain: str, item: str) -> str | None:
    """Return the hard limit that pam_limits gives a domain; None where its files name none.

    pam_limits reads limits.conf, then limits.d in order of name; the last line wins. A `-` sets soft and hard.
    """
    listed = read(host, "cat /etc/security/limits.conf $(ls /etc/security/limits.d/*.conf 2>/dev/null)")
    value = None
    for raw in listed.splitlines():
        fields = raw.partition("#")[0].split()
        if len(fields) == 4 and fields[0] == domain and fields[1] in ("hard", "-") and fields[2] == item:
            value = fields[3]
    return value


@kind
def apt_option(host: Any, *, option: str) -> str | None:
    """Return an option of apt's configuration as apt itself reads it; None where it is not set."""
    options = apt_options(tool(host, "apt-config", "apt-config dump"))
    return options.get(option.lower())


@kind
def unverified_sources(host: Any) -> list[str]:
    """Return the package sources that apt is told to trust without checking their signature."""
    _needs_apt(host)
    # One line each: file:line. Files may be missing; grep says 1 for "no line" and 2 for "could not read".
    result = host.run(
        "find /etc/apt -maxdepth 2 -xtype f \\( -name sources.list -o -path '/etc/apt/sources.list.d/*.list'"
        " -o -path '/etc/apt/sources.list.d/*.sources' \\) -exec grep -H '' /dev/null {} +"
    )
    if result.rc != 0:
        raise CannotLook(f"the lists of package sources cannot be read: {result.stderr.strip()[-200:]}")
    return [line for line in result.stdout.splitlines() if trusts_blindly(line.partition(":")[2])]


@kind
def pending_security_updates(host: Any) -> list[str]:
    """Return the installed packages for which the security archive has a newer version."""
    _needs_apt(host)
    lists = read(host, "ls -1 -q -- /var/lib/apt/lists")
    if "security" not in lists.lower():
        raise CannotLook(
            "apt has no list of a security archive in /var/lib/apt/lists, so it cannot say what is missing"
        )
    planned = read(host, "LC_ALL=C apt-get --simulate -o Debug::NoLocking=true dist-upgrade")
    return [line.split()[1] for line in planned.splitlines() if re.match(r"Inst \S+ \[.*security", line, re.IGNORECASE)]


@kind
def package_lists_age_days(host: Any) -> int:
    """Return how many whole days ago apt last fetched its package lists."""
    _needs_apt(host)
    ages = read(
        host,
        "now=$(date +%s) && find /var/lib/apt/lists /var/lib/apt/periodic -maxdepth 1"
        " \\( -name partial -o -name update-success-stamp -o -name lists -o -name update-stamp \\) -printf '%Ts\\n' | "
        "sort -n | tail -n 1 | awk -v now=\"$now\" '{print int((now - $1) / 86400)}'",
    ).strip()
    if not ages.isdigit():
        raise CannotLook("apt's lists have no date")
    return int(ages)


def apt_options(dump: str) -> dict[str, str]:
    """Return the options of `apt-config dump` by lower-case name; names are not case-sensitive (apt.conf(5))."""
    return {name.lower(): value for name, value in re.findall(r'^(\S+) "(.*)";$', dump, re.MULTILINE) if value != ""}


def trusts_blindly(line: str) -> bool:
    """Tell whether a line of a sources file switches signature checks off."""
    line = line.strip()
    one_line = re.match(r"deb(-src)?\s+\[([^\]]*)\]", line)
    options = one_line[2].split() if one_line else [re.sub(r"\s*:\s*", "=", line, count=1)]
    pattern = r"(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)\+?=(yes|true|1|on)"
    return any(re.fullmatch(pattern, option, re.IGNORECASE) for option in options)


def _needs_apt(host: Any) -> None:
    if host.run("command -v apt-get").rc != 0:
        raise NotApplicable("this system has no apt")
