"""Who we are on the host: the account that logged in, from where and by what, and what sshd would do with it."""

from __future__ import annotations

import re
from typing import Any

from checks import CannotLook, read
from checks.linux.reading import stat_fields
from checks.preflight.marking import look

# Our own ancestors: name, real uid and process id. After sudo, su or doas the session of sshd is still above us.
ANCESTORS = (
    'p=$$; while [ "$p" -gt 1 ]; do n= q= u=;'
    " while read -r k v r; do case $k in Name:) n=$v;; PPid:) q=$v;; Uid:) u=$v; break;; esac; done </proc/$p/status;"
    ' echo "$n $u $p"; p=$q; done'
)
SERVER = ("sshd", "sshd-session")
# The log of logins, wherever this system keeps it; a file that is not there is no answer.
ACCEPTED = (
    "{ journalctl -q -o cat -t sshd -t sshd-session -n 5000;"
    " tail -n 5000 /var/log/auth.log /var/log/secure; } 2>/dev/null | grep -F %s | tail -n 1"
)


@look
def login(host: Any) -> dict[str, Any]:
    """Return the account that logged in: its name, groups, home and shell, over what, and from which address.

    `over` is `ssh`, or `other` where no sshd is above us; then the rest is empty. `port` is the client's;
    `to_address` and `to_port` are where it came in here.
    """
    sessions = _sessions(host)
    if not sessions:
        nowhere = dict.fromkeys(("address", "port", "to_address", "to_port"), "")
        return {"over": "other", "user": "", "groups": [], "home": "", "shell": "", **nowhere}
    fields = _entry(host, sessions)
    groups = read(host, "id -Gn -- %s", fields[0]).split()
    way = _way(host, {pid for _, _, pid in sessions})
    return {
        "over": "ssh",
        "user": fields[0],
        "groups": groups,
        "home": fields[5],
        "shell": fields[6],
        **way,
    }


@look
def login_method(host: Any) -> dict[str, str]:
    """Return how sshd let us in: `method` (publickey, password, ...) and for a key its type as sshd logs it.

    Raises CannotLook where the log does not tell; sshd logs it at its level INFO and above.
    """
    us = login(host)
    if us["over"] != "ssh":
        return {"method": "none", "key": ""}
    if not us["port"]:
        raise CannotLook("which connection is ours cannot be told, so the log of logins cannot be read")
    said = read(host, ACCEPTED, f" port {us['port']} ssh2")
    found = re.search(r"Accepted (\S+) for (\S+) from (\S+) port \S+ ssh2(?:: (\S+))?", said)
    if found is None or found[2] != us["user"]:
        raise CannotLook("the log of logins does not tell how we came in")
    return {"method": found[1].partition("/")[0], "key": found[4] or ""}


@look
def sshd_effective(host: Any) -> dict[str, list[str]]:
    """Return what sshd would use for our own login, by option in lower case; Match blocks are resolved for it."""
    us = login(host)
    asked = "/usr/sbin/sshd -T"
    if us["over"] == "ssh" and us["address"]:
        printed = read(host, f"{asked} -C %s", f"user={us['user']},host={us['address']},addr={us['address']}")
    else:
        printed = read(host, asked)
    found: dict[str, list[str]] = {}
    for line in printed.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, []).append(value.strip())
    if "port" not in found:
        raise CannotLook("`sshd -T` did not print a configuration")
    return found


@look
def key_files(host: Any) -> list[dict[str, str]]:
    """Return every file of authorized keys that our account has, and the directories above it, with mode and owner."""
    us = login(host)
    if us["over"] != "ssh":
        return []
    found = []
    for pattern in " ".join(sshd_effective(host).get("authorizedkeysfile", [])).split():
        path = pattern.replace("%h", us["home"]).replace("%u", us["user"]).replace("%%", "%")
        path = path if path.startswith("/") else f"{us['home']}/{path}"
        if stat_fields(host, path) is None:
            continue
        above = [path]
        while above[-1] not in ("/", us["home"]):
            above.append(above[-1].rpartition("/")[0] or "/")
        for each in above:
            mode, owner = stat_fields(host, each) or ["", ""]
            found.append({"path": each, "mode": mode, "owner": owner.partition(":")[0]})
    return found


@look
def host_key_types(host: Any) -> list[str]:
    """Return the types of the host keys that sshd offers (`ssh-ed25519`), by their public halves."""
    paths = sshd_effective(host).get("hostkey", [])
    if not paths:
        raise CannotLook("sshd names no host key")
    return sorted({read(host, "cut -d ' ' -f 1 %s", f"{path}.pub").strip() for path in paths})


@look
def ssh_forwardings(host: Any) -> list[str]:
    """Return where connections lead that sshd has opened for its clients: what is being forwarded this moment."""
    listening = set(sshd_effective(host)["port"])
    found = []
    for words in _established(host):
        port = words[2].rpartition(":")[2]
        if any(f'"{name}"' in words[-1] for name in SERVER) and port not in listening:
            found.append(words[3])
    return sorted(set(found))


def home_of_login(host: Any) -> str:
    """Return the home of the account that logged in, where Ansible puts its modules; empty without an sshd above us."""
    sessions = _sessions(host)
    return _entry(host, sessions)[5] if sessions else ""


def _sessions(host: Any) -> list[list[str]]:
    """Return name, uid and pid of every sshd above us, the nearest first."""
    ancestors = [line.split() for line in read(host, ANCESTORS).splitlines()]
    return [words for words in ancestors if len(words) == 3 and words[0] in SERVER]


def _entry(host: Any, sessions: list[list[str]]) -> list[str]:
    """Return the fields of passwd of the account that the nearest sshd runs as."""
    uid = sessions[0][1]
    fields = read(host, "getent passwd %s", uid).strip().split(":")
    if len(fields) != 7:
        raise CannotLook(f"the account with the number {uid} has no entry")
    return fields


def _way(host: Any, pids: set[str]) -> dict[str, str]:
    """Return both ends of the connection that one of these processes has."""
    ends = [("", ""), ("", "")]
    for words in _established(host):
        if pids & set(re.findall(r"pid=([0-9]+)", words[-1])):
            ends = [_end(words[3]), _end(words[2])]
            break
    (address, port), (to_address, to_port) = ends
    return {"address": address, "port": port, "to_address": to_address, "to_port": to_port}


def _end(text: str) -> tuple[str, str]:
    address, _, port = text.rpartition(":")
    return address.strip("[]").removeprefix("::ffff:"), port


def _established(host: Any) -> list[list[str]]:
    """Return the words of each established TCP connection: queues, local and other side, programs."""
    lines = [line.split() for line in read(host, "ss -Htnp state established").splitlines()]
    return [words for words in lines if len(words) >= 5]
