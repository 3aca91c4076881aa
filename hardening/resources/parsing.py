"""What programs print about resources, as plain values. Pure; every function says what it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hardening.model import Json

USER_HZ = 100
KIB = 1024


class CannotSee(Exception):
    """We could not see a part: it is unknown, which is neither zero nor nothing. The message is the reason."""


def cpu(printed: str) -> dict[str, Json]:
    """Read `lscpu`."""
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in printed.splitlines())}
    count = said.get("CPU(s)", "")
    if not count.isdigit():
        raise CannotSee("`lscpu` names no number of CPUs")
    sockets = said.get("Socket(s)", "")
    return {
        "count": int(count),
        "model": said.get("Model name") or None,
        "sockets": int(sockets) if sockets.isdigit() else None,
        "architecture": said.get("Architecture") or None,
        "hypervisor": said.get("Hypervisor vendor") or None,
    }


def cpu_time(printed: str) -> dict[str, Json]:
    """Read the first line of `/proc/stat` (proc(5): guest time is part of user time) and `/proc/loadavg`."""
    stat, _, load = printed.partition("\n")
    words = stat.split()
    ticks = [int(word) for word in words[1:9]] if words[:1] == ["cpu"] else []
    averages = load.split()[:3]
    if len(ticks) < 5 or len(averages) != 3:
        raise CannotSee("/proc/stat or /proc/loadavg has another form")
    idle = ticks[3] + ticks[4]
    return {
        "busy_s": (sum(ticks) - idle) / USER_HZ,
        "all_s": sum(ticks) / USER_HZ,
        "load": [float(word) for word in averages],
    }


def memory(printed: str) -> dict[str, Json]:
    """Read `/proc/meminfo`."""
    kib = {found[1]: int(found[2]) for found in re.finditer(r"^(\w+):\s+(\d+) kB$", printed, re.M)}
    if "MemTotal" not in kib or "MemAvailable" not in kib:
        raise CannotSee("/proc/meminfo does not say how much memory there is and is available")
    return {
        "total_bytes": kib["MemTotal"] * KIB,
        "available_bytes": kib["MemAvailable"] * KIB,
        "swap_total_bytes": kib.get("SwapTotal", 0) * KIB,
        "swap_free_bytes": kib.get("SwapFree", 0) * KIB,
    }


def system(printed: str) -> dict[str, Json]:
    """Read os-release and the `name=value` lines that follow it."""
    said = {
        key: value.strip().strip('"')
        for key, mark, value in (line.partition("=") for line in printed.splitlines())
        if mark
    }
    try:
        uptime_s = float(said["uptime"])
    except (KeyError, ValueError):
        raise CannotSee("/proc/uptime has another form") from None
    return {
        "os": said.get("PRETTY_NAME") or None,
        "os_id": said.get("ID") or None,
        "os_version": said.get("VERSION_ID") or None,
        "kernel": said.get("kernel") or None,
        "machine": said.get("machine") or None,
        "hostname": said.get("hostname") or None,
        "boot_id": said.get("boot_id") or None,
        "uptime_s": uptime_s,
    }


_CONTAINERS = {"docker", "podman", "lxc", "lxc-libvirt", "openvz", "systemd-nspawn", "container-other", "wsl", "proot"}


def form(printed: str) -> dict[str, Json]:
    """Read what `systemd-detect-virt` (its manual lists the names) and DMI say."""
    said = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    # It prints `none` and answers 1 on bare metal, so that ours follows.
    virt = said.get("virt", "").split()
    word = virt[0] if virt else "unknown"
    if word == "unknown":
        raise CannotSee("`systemd-detect-virt` does not say what this is")
    kind = "physical" if word == "none" else "container" if word in _CONTAINERS else "virtual"
    return {
        "form": kind,
        "by": None if word == "none" else word,
        "maker": said.get("sys_vendor") or None,
        "product": said.get("product_name") or None,
    }


def disks(printed: str) -> list[Json]:
    """Read `lsblk --json`; only whole disks, for partitions are parts of them, and none of size 0 (an idle zram)."""
    found: list[Json] = []
    for each in _flat(_json(printed, "lsblk").get("blockdevices", [])):
        if each.get("type") == "disk" and int(each.get("size") or 0):
            found.append(
                {
                    "name": str(each.get("name")),
                    "size_bytes": int(each.get("size") or 0),
                    "rotates": each.get("rota") in (True, "1", 1),
                    "model": (each.get("model") or "").strip() or None,
                }
            )
    return found


def _flat(devices: Any) -> Iterator[Mapping[str, Any]]:
    for each in devices if isinstance(devices, list) else []:
        yield each
        yield from _flat(each.get("children"))


def _json(printed: str, program: str) -> dict[str, Any]:
    try:
        held = json.loads(printed)
    except ValueError:
        raise CannotSee(f"`{program}` printed no JSON") from None
    return held if isinstance(held, dict) else {}


# What engines mount for containers is the space of the file system below, and comes and goes.
_OF_ENGINES = re.compile(r"^/(var/lib/(docker|containers|kubelet|containerd)|run)/")


def file_systems(printed: str) -> dict[str, Json]:
    """Read `df --output=source,fstype,size,used,avail,itotal,iused,iavail,target`, sizes in bytes.

    A mount point may hold blanks, being last; a device that is mounted several times counts once.
    """
    found: dict[str, Json] = {}
    devices: set[str] = set()
    for line in printed.splitlines()[1:]:
        words = line.split(None, 8)
        if len(words) != 9 or not words[2].isdigit() or int(words[2]) == 0 or _OF_ENGINES.match(words[8]):
            continue
        if words[0].startswith("/dev/") and words[0] in devices:
            continue
        # An overlay shows the space of the file system below it; only as root is there nothing else to go by.
        if words[1] == "overlay" and words[8] != "/":
            continue
        devices.add(words[0])
        size, used, free, inodes, inodes_used = (int(word) if word.isdigit() else None for word in words[2:7])
        found[words[8]] = {
            "device": words[0],
            "type": words[1],
            "size_bytes": size,
            "used_bytes": used,
            "free_bytes": free,
            # btrfs and others make inodes as they need them, and say 0.
            "inodes": inodes or None,
            "inodes_used": inodes_used if inodes else None,
        }
    return found


def lvm(printed: str) -> dict[str, Json]:
    """Read the JSON reports of `vgs` and `lvs`, one after the other, or `absent`."""
    if printed.strip() == "absent":
        return {"groups": [], "volumes": []}
    decoder, rest, made = json.JSONDecoder(), printed.strip(), {}
    while rest:
        try:
            held, end = decoder.raw_decode(rest)
        except ValueError:
            raise CannotSee("`vgs` or `lvs` printed no JSON") from None
        for report in held.get("report", []):
            made.update(report)
        rest = rest[end:].strip()
    return {
        "groups": [
            {"name": each["vg_name"], "size_bytes": int(each["vg_size"]), "free_bytes": int(each["vg_free"])}
            for each in made.get("vg", [])
        ],
        "volumes": [
            {"group": each["vg_name"], "name": each["lv_name"], "size_bytes": int(each["lv_size"])}
            for each in made.get("lv", [])
        ],
    }


def interfaces(printed: str) -> dict[str, Json]:
    """Read `/proc/net/dev`, `grep . /sys/class/net/*/...` and `ip -o addr`, parted by empty lines; `lo` is left out."""
    counters, _, rest = printed.partition("\n\n")
    told, _, addresses = rest.partition("\n\n")
    found: dict[str, dict[str, Any]] = {}
    for line in counters.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        fields = numbers.split()
        if len(fields) < 16 or name.strip() == "lo":
            continue
        found[name.strip()] = {
            "state": None,
            "speed_mbps": None,
            "mac": None,
            "mtu": None,
            "addresses": [],
            "rx_bytes": int(fields[0]),
            "rx_errors": int(fields[2]) + int(fields[3]),
            "tx_bytes": int(fields[8]),
            "tx_errors": int(fields[10]) + int(fields[11]),
        }
    if not found and "lo:" not in counters:
        raise CannotSee("/proc/net/dev lists no interface")
    for line in told.splitlines():
        path, _, value = line.partition(":")
        name, _, what = path.partition("/")
        held = found.get(name)
        if held is None:
            continue
        if what == "operstate":
            held["state"] = value
        elif what == "address":
            held["mac"] = value
        elif what == "mtu":
            held["mtu"] = int(value)
        elif what == "speed" and value.isdigit() and int(value) > 0:
            # Virtual interfaces say -1 or nothing: they have no speed, which is not a speed of 0.
            held["speed_mbps"] = int(value)
    body, _, answered = addresses.rpartition("rc=")
    if answered.strip() == "0":
        for line in body.splitlines():
            words = line.split()
            if len(words) >= 4 and words[1] in found and "link" not in words[words.index(words[3]) :]:
                found[words[1]]["addresses"].append(words[3])
    else:
        for held in found.values():
            held["addresses"] = None
    return dict(found)


def listening(printed: str) -> list[Json]:
    """Read `ss -H -lntup`."""
    found: list[Json] = []
    for line in printed.splitlines():
        words = line.split(None, 6)
        if len(words) < 6:
            continue
        address, _, port = words[4].rpartition(":")
        if not port.isdigit():
            continue
        names = sorted(set(re.findall(r'\("([^"]*)"', words[6]))) if len(words) > 6 else []
        found.append(
            {"protocol": words[0], "address": address.strip("[]"), "port": int(port), "processes": [*names] or None}
        )
    unique = {json.dumps(each, sort_keys=True): each for each in found}
    return [unique[key] for key in sorted(unique)]


def packages(printed: str) -> dict[str, Json]:
    """Read the manager's name and one line for each package, `ii` for an installed one."""
    manager, _, rest = printed.partition("\n")
    if manager not in ("dpkg", "rpm"):
        raise CannotSee("there is neither dpkg nor rpm")
    return {"manager": manager, "installed": sum(line.startswith("ii") for line in rest.splitlines())}


def pending_updates(printed: str) -> dict[str, Json]:
    """Read `apt-get -s upgrade` behind the number and age of its lists, or `dnf updateinfo list`."""
    first, _, rest = printed.partition("\n")
    words = first.split()
    if words[:1] == ["apt"]:
        if len(words) < 2 or words[1] == "0":
            raise CannotSee("the package lists were never fetched (`apt-get update`): what is pending is unknown")
        lines = [line for line in rest.splitlines() if line.startswith("Inst ")]
        # `Inst pkg [old] (new Debian-Security:12/stable-security [amd64])`
        security = sum(bool(re.search(r"\([^)]*security", line, re.I)) for line in lines)
        fetched_at = float(words[2]) if len(words) > 2 else None
        return {"updates": len(lines), "security": security, "lists_fetched_at": fetched_at}
    if first == "dnf":
        names = [line.split() for line in rest.splitlines() if line.strip()]
        grave = {each[-1] for each in names if len(each) > 2 and "sec" in each[1].lower()}
        return {"updates": len({each[-1] for each in names}), "security": len(grave), "lists_fetched_at": None}
    raise CannotSee("there is neither apt-get nor dnf")
