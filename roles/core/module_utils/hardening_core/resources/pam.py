"""PAM stacks that pam-auth-update(8) makes from profiles: whole profiles, and single arguments of modules.

`pam_profile` NAME, one of ours: state `{control id: arguments}`; it is there as long as one control wants it.
`pam_profile` NAME, a package's: state `{"enabled": true | false}`.
`pam_argument` "FILE TYPE MODULE WORD|WORD": state `{"words": [[which line, text], ...], "places": [...]}`; the places
tell where a word goes back to, and are no part of what is compared, because neighbours come and go.

pam-auth-update works on a copy; the outcome is tried in a private mount namespace and then put in place file by file,
so no step leaves a stack that nobody can pass. It keeps arguments changed by hand, and refuses lines added by hand.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from typing import Any, Dict, List, Tuple

from ..control import State
from ..errors import CannotApply, ChangedSince
from ..host import Host
from .base import Resource
from .file import FileResource

CONFIGS, STACKS, SAVED = "/usr/share/pam-configs", "/etc/pam.d", "/var/lib/pam"
# Read by pam-auth-update as a field it does not know, by us as who wants the profile and with which arguments.
OWNERS = "Hardening:"
# Our profiles: file name -> text; {} takes the arguments that the controls want.
PROFILES: Dict[str, Dict[str, str]] = {
    "faillock": {
        "hardening-faillock": (
            "Name: Hardening: close accounts after failed logins\nDefault: no\nPriority: 1024\n"
            "Auth-Type: Primary\nAuth:\n\trequisite\tpam_faillock.so preauth{}\n"
        ),
        # Below pam_unix, which jumps over it when the password was right.
        "hardening-faillock-count": (
            "Name: Hardening: count failed logins\nDefault: no\nPriority: 0\n"
            "Auth-Type: Primary\nAuth:\n\t[default=die]\tpam_faillock.so authfail{}\n"
        ),
        # Reached once a password was right. An account line would forget the failures at every login with a key, too.
        "hardening-faillock-reset": (
            "Name: Hardening: forget failed logins\nDefault: no\nPriority: 0\n"
            "Auth-Type: Additional\nAuth:\n\toptional\tpam_faillock.so authsucc{}\n"
        ),
    },
    "pwhistory": {
        "hardening-pwhistory": (
            "Name: Hardening: remember passwords\nDefault: no\nPriority: 512\nPassword-Type: Primary\n"
            "Password:\n\trequisite\tpam_pwhistory.so use_authtok{0}\n"
            "Password-Initial:\n\trequisite\tpam_pwhistory.so{0}\n"
        ),
    },
}
LAST = 99
PLACES = ("/lib/security", "/usr/lib/security", "/lib64/security", "/usr/lib64/security")


class PamProfileResource(Resource):
    """One profile of pam-auth-update."""

    kind = "pam_profile"
    rank = 30

    def read(self, name: str) -> State:
        """Return who wants a profile of ours, or whether a package's profile is enabled."""
        if not os.path.isdir(self.host.path(CONFIGS)):
            raise CannotApply("this system has no pam-auth-update (Debian's keeper of /etc/pam.d/common-*)")
        enabled = enabled_profiles(self.host)
        if name not in PROFILES:
            if not os.path.exists(self.host.path(CONFIGS + "/" + name)):
                raise CannotApply("no package brought the PAM profile " + name)
            return {"enabled": name in enabled}
        if not set(PROFILES[name]) <= enabled:
            return {}
        found = re.search(r"^" + OWNERS + r" (.*)$", self._text(sorted(PROFILES[name])[0]), re.M)
        owners = (part.strip().partition(" ") for part in found.group(1).split(";")) if found else ()
        return {owner: arguments for owner, _, arguments in owners if owner}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Have pam-auth-update work on a copy, try the outcome, and put it in place."""
        changed: Dict[str, str] = {}
        if name not in PROFILES:
            command = ["--enable" if wanted["enabled"] else "--disable", name]
        elif wanted:
            changed = {file: self._made(text, wanted) for file, text in PROFILES[name].items()}
            command = ["--enable", *changed]
        else:
            command = ["--remove", *PROFILES[name]]
        with_copy(
            self.host,
            lambda copy: self._update(copy, command, changed, gone=() if wanted else tuple(PROFILES.get(name, ()))),
        )

    def _update(self, copy: str, command: List[str], changed: Dict[str, str], gone: Tuple[str, ...]) -> None:
        for file, text in changed.items():
            with open(copy + CONFIGS + "/" + file, "w", encoding="utf-8") as profile:
                profile.write(text)
        self.host.must(["pam-auth-update", "--package", "--root", copy, *command])
        for file in gone:
            os.unlink(copy + CONFIGS + "/" + file)
        enabled = enabled_profiles(self.host, copy)
        wanted = set(command[1:]) if command[0] == "--enable" else set()
        if wanted - enabled or (not wanted and enabled & set(command[1:])):
            raise CannotApply(
                "lines of /etc/pam.d/common-* were added by hand, so pam-auth-update leaves them alone; "
                "run `pam-auth-update --force` if its own stacks are wanted"
            )

    def _made(self, text: str, owners: State) -> str:
        arguments = " ".join(sorted({words for words in owners.values() if words}))
        said = "; ".join((owner + " " + words).strip() for owner, words in owners.items())
        head, rest = text.split("\n", 1)
        return head + "\n" + OWNERS + " " + said + "\n" + rest.format(" " + arguments if arguments else "")

    def _text(self, file: str) -> str:
        with open(self.host.path(CONFIGS + "/" + file), encoding="utf-8") as profile:
            return profile.read()


class PamArgumentResource(Resource):
    """One argument, or one of several that exclude each other, of a module in one file of /etc/pam.d."""

    kind = "pam_argument"
    rank = 31

    def read(self, name: str) -> State:
        """Return what of the words stands in which line, and where."""
        file, type_, module, words = self._parts(name)
        found: List[List[Any]] = []
        places: List[List[Any]] = []
        lines = self._lines(file)
        for ordinal, index in enumerate(matching(lines, type_, module)):
            chunks = arguments_of(lines[index])[1]
            for position, chunk in enumerate(chunks):
                if is_one_of(chunk, words):
                    found.append([ordinal, chunk.strip()])
                    # The last one goes back to the end, however many there are by then.
                    places.append([position if position + 1 < len(chunks) else LAST, blanks_of(chunk)])
        return {"words": found, "places": places}

    def write(self, name: str, present: State, wanted: State) -> None:
        """Have exactly these words: in place of what they replace, else where they were; every other byte stays."""
        file, type_, module, words = self._parts(name)
        lines = self._lines(file)
        hints = list(wanted.get("places") or []) + [[LAST, " "]] * len(wanted["words"])
        for ordinal, index in enumerate(matching(lines, type_, module)):
            head, chunks, tail = arguments_of(lines[index])
            asked = [(hints[number], text) for number, (line, text) in enumerate(wanted["words"]) if line == ordinal]
            placed = with_words(chunks, words, asked)
            if placed != chunks:
                lines[index] = head + "".join(placed) + (tail.lstrip(" \t") if asked else tail)
        with_copy(self.host, lambda copy: self._replace(copy + STACKS + "/" + file, "".join(lines)))

    def holds(self, present: State, wanted: State) -> bool:
        """Compare the words; where they stand changes with their neighbours."""
        return bool(present["words"] == wanted["words"])

    def merge(self, name: str, base: State, ours: State, theirs: State) -> State:
        """Step back where the words are as we left them."""
        if ours["words"] not in (base["words"], theirs["words"]):
            raise ChangedSince(STACKS + "/" + name.split(" ")[0] + ": " + name.split(" ")[3] + " was edited since")
        return theirs

    def _replace(self, path: str, text: str) -> None:
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as stack:
            stack.write(text)

    def _lines(self, file: str) -> List[str]:
        try:
            with open(self.host.path(STACKS + "/" + file), encoding="utf-8", errors="surrogateescape") as stack:
                return stack.read().splitlines(True)
        except FileNotFoundError:
            raise CannotApply(STACKS + "/" + file + " does not exist") from None

    def _parts(self, name: str) -> Tuple[str, str, str, List[str]]:
        parts = name.split(" ")
        if len(parts) != 4 or not re.match(r"^[A-Za-z0-9._-]+$", parts[0]) or parts[0].startswith("."):
            raise CannotApply(repr(name) + " is no argument of a PAM module")
        return parts[0], parts[1], parts[2], parts[3].split("|")


def matching(lines: List[str], type_: str, module: str) -> List[int]:
    """Return which lines are of a type and load a module."""
    pattern = re.compile(r"^\s*-?" + type_ + r"\s+(\[[^\]]*\]|\S+)\s+(\S*/)?" + re.escape(module) + r"(\s|$)", re.I)
    return [index for index, line in enumerate(lines) if pattern.match(line)]


def arguments_of(line: str) -> Tuple[str, List[str], str]:
    """Return what comes before a module's arguments, each argument with its blanks, and the rest of the line."""
    found = re.match(
        r"^(\s*\S+\s+(?:\[[^\]]*\]|\S+)\s+\S+)((?:[ \t]+(?:\[[^\]]*\]|[^\s#\[]\S*))*)(\s*(?:#.*)?\n?)$", line
    )
    if found is None:
        raise CannotApply("this line of a PAM stack cannot be taken apart: " + line.strip())
    return found.group(1), re.findall(r"[ \t]+(?:\[[^\]]*\]|[^\s#\[]\S*)", found.group(2)), found.group(3)


def with_words(chunks: List[str], words: List[str], asked: List[Tuple[List[Any], str]]) -> List[str]:
    """Return the arguments with the asked ones for those of `words`; each asked one has [place, blanks] as a hint."""
    here = [position for position, chunk in enumerate(chunks) if is_one_of(chunk, words)]
    if len(here) == len(asked):
        asked = [([place, blanks_of(chunks[place])], text) for place, (_, text) in zip(here, asked)]  # noqa: B905
    kept = [chunk for chunk in chunks if not is_one_of(chunk, words)]
    for (place, blanks), text in sorted(asked):
        kept.insert(place, blanks + text)
    return kept


def blanks_of(chunk: str) -> str:
    """Return the blanks that an argument begins with."""
    return chunk[: len(chunk) - len(chunk.lstrip())]


def is_one_of(chunk: str, words: List[str]) -> bool:
    """Tell whether an argument is one of the words, with a value or without."""
    return chunk.strip().strip("[]").partition("=")[0] in words


def enabled_profiles(host: Host, root: str = "") -> "set[str]":
    """Return the profiles that the stacks are made of now."""
    enabled = set()
    directory = (root + SAVED) if root else host.path(SAVED)
    for entry in os.listdir(directory) if os.path.isdir(directory) else []:
        if entry != "seen":
            with open(os.path.join(directory, entry), encoding="utf-8", errors="surrogateescape") as saved:
                enabled |= set(re.findall(r"^Module: (\S+)$", saved.read(), re.M))
    return enabled


def with_copy(host: Host, change: Any) -> None:
    """Change a copy of all that pam-auth-update works on, try it, and put what became different in place."""
    copy = tempfile.mkdtemp(prefix="hardening-pam-", dir="/run" if os.path.isdir("/run") else None)
    try:
        for place in (STACKS, SAVED, CONFIGS):
            if os.path.isdir(host.path(place)):
                shutil.copytree(host.path(place), copy + place, symlinks=True)
        change(copy)
        try_stacks(host, copy + STACKS)
        # Profiles first: whoever runs pam-auth-update between two of our steps finds what the stacks name.
        for place in (CONFIGS, STACKS, SAVED):
            put_in_place(host, copy, place)
    finally:
        shutil.rmtree(copy)


def try_stacks(host: Host, directory: str) -> None:
    """Refuse stacks that name a module that is not installed, or that do not let root through."""
    for entry in sorted(os.listdir(directory)):
        if entry.startswith(".") or not os.path.isfile(os.path.join(directory, entry)):
            continue
        with open(os.path.join(directory, entry), encoding="utf-8", errors="surrogateescape") as stack:
            for line in stack:
                named = re.match(r"^\s*(?:auth|account|password|session)\s+(?:\[[^\]]*\]|\S+)\s+(pam_\w+\.so)", line)
                if named and entry.startswith("common-") and not is_installed(host, named.group(1)):
                    raise CannotApply(
                        entry + " would name " + named.group(1) + ", which is not installed; nobody could pass"
                    )
    if host.run(["su", "root", "-c", "true"]).rc != 0:
        return  # Nothing can be told from a way in that was closed before.
    script = "mount --bind " + directory + " " + STACKS + " || exit 97\nexec su root -c true"
    ran = host.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
    if ran.rc not in (0, 97) and not ran.err.startswith("unshare:"):
        raise CannotApply("with the new stacks not even root passes `su`: " + ran.said)


def is_installed(host: Host, module: str) -> bool:
    """Tell whether a module is in one of the places where libpam looks."""
    places = list(PLACES)
    for libraries in ("/lib", "/usr/lib"):
        full = host.path(libraries)
        entries = os.listdir(full) if os.path.isdir(full) else []
        places += [libraries + "/" + entry + "/security" for entry in entries if "-linux-" in entry]
    return any(os.path.exists(host.path(place + "/" + module)) for place in places)


def put_in_place(host: Host, copy: str, place: str) -> None:
    """Have every file of one directory as it is in the copy, each by one rename; modes and owners stay."""
    files = FileResource(host)
    present = host.path(place)
    for entry in sorted(set(os.listdir(copy + place)) | set(os.listdir(present) if os.path.isdir(present) else [])):
        name, made = place + "/" + entry, os.path.join(copy + place, entry)
        if os.path.islink(made) or os.path.isdir(made):
            continue
        before = files.with_content(name, files.read(name))
        if not os.path.exists(made):
            files.write(name, before, {"type": "absent"})
            continue
        with open(made, "rb") as file:
            digest = host.store.add(file.read())
        if before.get("sha256") != digest:
            kept = before if before["type"] == "file" else {"type": "file", "mode": "0644", "uid": 0, "gid": 0}
            files.write(name, before, dict(kept, sha256=digest))
