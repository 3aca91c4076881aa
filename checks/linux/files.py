"""Modes and owners of files, lists of who may use a service, and one walk over the file systems."""

from __future__ import annotations

from typing import Any

from checks import CannotLook, NotApplicable, kind, read
from checks.linux.reading import required_stat, text_or_none

# Where other rules hold: container images keep owners of their own, and the kernel's file systems are no files.
NOT_WALKED = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/lib/docker",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/lxc",
    "/var/lib/machines",
    "/snap",
)
LOCAL_MOUNTS = (
    r"""awk '$2 != "/" && $2 !~ /^\/(proc|sys|dev|run)(\/|$)/"""
    r""" && $3 ~ /^(ext[234]|xfs|btrfs|f2fs|zfs|jfs|reiserfs|bcachefs)$/ {print $2}' /proc/self/mounts"""
)
LETTERS = {
    "world_writable_files": "w",
    "world_writable_directories_without_sticky_bit": "s",
    "files_without_user": "u",
    "files_without_group": "g",
    "set_id_programs": "x",
}


@kind
def file_mode(host: Any, *, path: str) -> str:
    """Return the permission bits of a path in octal."""
    return required_stat(host, path)[0]


@kind
def file_owner(host: Any, *, path: str) -> str:
    """Return `user:group` of a path."""
    return required_stat(host, path)[1]


@kind
def allowed_users(host: Any, *, path: str) -> str | None:
    """Return the names in an allow list such as /etc/cron.allow; None where the list does not exist."""
    text = text_or_none(host, path)
    if text is None:
        if host.run("test -d %s", "/etc/cron.d").rc != 0 and "cron" in path:
            raise NotApplicable("cron is not installed")
        return None
    return " ".join(sorted(text.split())) or "(nobody but root)"


@kind
def sweep(host: Any, *, what: str) -> list[str]:
    """Return the paths on local file systems that a walk finds; `what` is one of LETTERS.

    One walk answers all of them. Container storage and the kernel's own file systems are left out (NOT_WALKED).
    """
    if what not in LETTERS:
        raise ValueError(f"{what} is nothing that a sweep looks for; there are: {', '.join(LETTERS)}")
    return sorted(path for letter, path in walked(host) if letter == LETTERS[what])


@kind
def unpackaged_set_id_programs(host: Any) -> list[str]:
    """Return the set-user-ID and set-group-ID programs that belong to no installed package."""
    programs = sorted(path for letter, path in walked(host) if letter == "x")
    if not programs:
        return []
    if host.run("command -v dpkg-query").rc == 0:
        # Merged /usr: a package may own /bin/su while the walk finds /usr/bin/su.
        names = [name for path in programs for name in (path, path.removeprefix("/usr"))]
        said = host.run("LC_ALL=C dpkg-query --search " + " ".join(["%s"] * len(names)), *names)
        if said.rc not in (0, 1):
            raise CannotLook(f"dpkg-query answered {said.rc}: {said.stderr.strip()[-200:]}")
        owned = {line.rpartition(": ")[2] for line in said.stdout.splitlines()}
        return [path for path in programs if path not in owned and path.removeprefix("/usr") not in owned]
    said = host.run("LC_ALL=C rpm --query --file " + " ".join(["%s"] * len(programs)), *programs)
    answers = said.stdout.splitlines()
    if len(answers) != len(programs):
        raise CannotLook(f"rpm answered {len(answers)} lines for {len(programs)} programs")
    return [path for path, answer in zip(programs, answers, strict=True) if "is not owned by any package" in answer]


def walked(host: Any) -> list[tuple[str, str]]:
    """Return (letter, path) of everything the walk finds."""
    prunes = " -o ".join(f"-path {path}" for path in NOT_WALKED)
    found = " , ".join(
        [
            r"\( -type f -perm -0002 -printf 'w %p\0' \)",
            r"\( -type d -perm -0002 ! -perm -1000 -printf 's %p\0' \)",
            r"\( -nouser -printf 'u %p\0' \)",
            r"\( -nogroup -printf 'g %p\0' \)",
            r"\( -type f -perm /6000 -printf 'x %p\0' \)",
        ]
    )
    result = host.run(f"LC_ALL=C find / $({LOCAL_MOUNTS}) -xdev \\( {prunes} \\) -prune -o \\( {found} \\)")
    gone = all(line.endswith("No such file or directory") for line in result.stderr.splitlines())
    # Files come and go while a live system is walked; every other complaint means that something was not seen.
    if not gone or (result.rc != 0 and not result.stderr):
        raise CannotLook(f"the walk over the file systems answered {result.rc}: {result.stderr.strip()[-200:]}")
    return [(entry[0], entry[2:]) for entry in dict.fromkeys(str(result.stdout).split("\0")) if entry]


@kind
def open_log_files(host: Any) -> list[str]:
    """Return files under /var/log that everybody may read or write, or the group may write.

    wtmp, btmp and lastlog are binary records that `who` and `last` read for every user; which packages came when
    (apt's own log, which apt makes anew for everybody to read) may be known as well as which are there.
    """
    listed = read(
        host,
        "find /var/log -xdev -type f -perm /0026 ! -name wtmp ! -name btmp ! -name lastlog ! -name wtmp.db"
        " ! -path '/var/log/apt/*' -printf %s",
        r"%m %p\n",
    )
    return sorted(listed.splitlines())
