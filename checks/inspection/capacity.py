"""How full a host is: file systems, memory, load, and what the kernel counts."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, read
from checks.inspection.marking import look
from checks.inspection.reading import lines, number, percent

# Full by their nature, or no storage at all.
NOT_STORAGE = {"squashfs", "iso9660", "devtmpfs", "efivarfs", "ramfs"}


@look
def disk_use(host: Any) -> dict[str, float]:
    """Return how full each local file system is, in percent of what users may fill.

    Source: `df --local` (GNU coreutils). An empty answer is a failure: there is always a root file system.
    """
    return _by_file_system(read(host, "df --local --output=fstype,pcent,target"))


@look
def inode_use(host: Any) -> dict[str, float]:
    """Return how many of its inodes each local file system has used, in percent; some have no fixed number."""
    return _by_file_system(read(host, "df --local --output=fstype,ipcent,target"))


def _by_file_system(table: str) -> dict[str, float]:
    found = {}
    for line in table.splitlines()[1:]:
        kind, used, *target = line.split(maxsplit=2)
        if kind not in NOT_STORAGE and used != "-" and target:
            found[target[0]] = number(used.rstrip("%"), "df's share")
    if not found:
        raise CannotLook("df named no file system")
    return found


@look
def memory_use(host: Any) -> float:
    """Return how much memory is not available to programs, in percent."""
    memory = _memory(host)
    return percent(memory["MemTotal"] - memory["MemAvailable"], memory["MemTotal"])


@look
def swap_use(host: Any) -> float:
    """Return how much of the swap space is used, in percent."""
    memory = _memory(host)
    if memory["SwapTotal"] == 0:
        raise NotApplicable("there is no swap space")
    return percent(memory["SwapTotal"] - memory["SwapFree"], memory["SwapTotal"])


def _memory(host: Any) -> dict[str, float]:
    found = {}
    for line in read(host, "cat /proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = float(words[0])
    if not {"MemTotal", "MemAvailable", "SwapTotal", "SwapFree"} <= set(found):
        raise CannotLook("/proc/meminfo lacks what is needed")
    return found


@look
def load_per_cpu(host: Any, *, minutes: int = 15) -> float:
    """Return the load average of 1, 5 or 15 minutes for each processor."""
    column = {1: 0, 5: 1, 15: 2}.get(minutes)
    if column is None:
        raise CannotLook(f"the kernel keeps the load of 1, 5 and 15 minutes, not of {minutes}")
    load = number(read(host, "cat /proc/loadavg").split()[column], "the load")
    return round(load / number(read(host, "nproc"), "nproc"), 2)


@look
def open_file_use(host: Any) -> float:
    """Return how many of the kernel's file handles are in use, in percent."""
    allocated, unused, most = (number(word, "file-nr") for word in read(host, "cat /proc/sys/fs/file-nr").split())
    return percent(allocated - unused, most)


@look
def process_use(host: Any) -> float:
    """Return how many process numbers are in use, in percent of kernel.pid_max; threads have numbers, too."""
    threads = number(read(host, "ps -eL --no-headers | wc -l"), "the number of threads")
    return percent(threads, number(read(host, "cat /proc/sys/kernel/pid_max"), "kernel.pid_max"))


@look
def conntrack_use(host: Any) -> float:
    """Return how full the table of tracked connections is, in percent."""
    most = host.run("cat /proc/sys/net/netfilter/nf_conntrack_max")
    if most.rc != 0:
        raise NotApplicable("connections are not tracked here")
    used = number(read(host, "cat /proc/sys/net/netfilter/nf_conntrack_count"), "nf_conntrack_count")
    return percent(used, number(most.stdout, "nf_conntrack_max"))


@look
def out_of_memory_kills(host: Any) -> float:
    """Return how many processes the kernel killed for memory since it started."""
    for line in read(host, "cat /proc/vmstat").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return number(count, "oom_kill")
    raise NotApplicable("this kernel does not count them")


@look
def missing_mounts(host: Any) -> list[str]:
    """Return mount points of /etc/fstab that should be mounted at boot and are not."""
    mounted = {line.split()[1].replace("\\040", " ") for line in lines(read(host, "cat /proc/mounts"))}
    wanted = [entry for entry in _fstab(host) if entry[1].startswith("/") and "noauto" not in entry[3].split(",")]
    return sorted(entry[1] for entry in wanted if entry[1].rstrip("/") not in {m.rstrip("/") for m in mounted})


@look
def read_only_mounts(host: Any) -> list[str]:
    """Return file systems that are mounted read-only although /etc/fstab has them writable: what a disk error does."""
    states = {line.split()[1]: line.split()[3].split(",") for line in lines(read(host, "cat /proc/mounts"))}
    writable = [entry[1] for entry in _fstab(host) if "ro" not in entry[3].split(",")]
    return sorted(point for point in writable if "ro" in states.get(point, []))


def _fstab(host: Any) -> list[list[str]]:
    entries = [line.split() for line in lines(read(host, "cat /etc/fstab")) if not line.startswith("#")]
    return [entry for entry in entries if len(entry) >= 4]


@look
def files_in(host: Any, *, directories: list[str]) -> list[str]:
    """Return the files that lie in directories where there should be none, such as those of crash dumps."""
    found = []
    for directory in directories:
        if host.run("test -d %s", directory).rc == 0:
            found += lines(read(host, "find %s -xdev -type f", directory))
    return sorted(found)


@look
def old_files(host: Any, *, directory: str, days: int) -> float:
    """Return how many files of a directory nobody has changed or read for some days."""
    found = read(host, "find %s -xdev -type f -mtime +%s -atime +%s", directory, str(days), str(days))
    return float(len(lines(found)))
