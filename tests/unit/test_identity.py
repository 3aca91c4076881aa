"""Which machine a name leads to: what counts as another one, and what as the same one twice."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from hardening.identity import (
    READ_KEYS,
    Identity,
    another_machine,
    fingerprints,
    identities_of,
    read_identity,
    refused_hosts,
    second_names,
)
from hardening.model import HostSeen
from tests.recorded import RecordedHost

KEY = base64.b64encode(b"a public key").decode()
PRINT = "ssh-ed25519 SHA256:" + base64.b64encode(hashlib.sha256(b"a public key").digest()).decode().rstrip("=")


def seen(
    name: str, machine_id: str = "m1", boot_id: str = "b1", *keys: str, unreachable: str | None = None
) -> HostSeen:
    """Return a host that answered, or did not."""
    facts = {"machine_id": machine_id, "boot_id": boot_id, "host_keys": [*keys]}
    return HostSeen(name=name, address="192.0.2.1", unreachable=unreachable, facts={} if unreachable else facts)  # type: ignore[arg-type]  # JSON


def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    """An operator can compare what a plan pins with what `ssh-keygen -l` shows on the console."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", tmp_path / "key.pub"], capture_output=True, text=True, check=True
    ).stdout.split()

    found = fingerprints([(tmp_path / "key.pub").read_text(), "# a comment", "ssh-rsa not/base64!", "", "alone"])

    assert found == (f"ssh-ed25519 {shown[1]}",)


def test_an_identity_is_read_and_comes_back_from_json() -> None:
    """A host without sshd or without a machine-id is not an error: less is known of it."""
    host = RecordedHost({"cat /etc/machine-id": (0, "m1\n", ""), READ_KEYS: (0, f"ssh-ed25519 {KEY} root@x\n", "")})

    identity = Identity.from_json(read_identity(host))

    assert identity == Identity(machine_id="m1", host_keys=(PRINT,))
    assert Identity.from_json(identity.as_json()) == identity
    assert not Identity.from_json(read_identity(RecordedHost({}))).is_known
    assert not Identity.from_json(["no", "mapping"]).is_known


@pytest.mark.parametrize(
    ("pinned", "now", "said"),
    [
        (("m1", "k1"), ("m1", "k1"), None),
        (("m1", "k1", "k2"), ("m1", "k2", "k3"), None),
        (("m1",), ("m1", "k1"), None),
        (("",), ("m1", "k1"), None),
        (("m1", "k1"), ("m2", "k1"), "its machine-id was m1 and is m2"),
        (("m1", "k1"), ("", "k1"), "its machine-id was m1 and is none that can be read"),
        (("m1", "k1"), ("m1", "k2"), "its ssh host keys are not those it had (k1), but k2"),
        (("m1", "k1"), ("m1",), "its ssh host keys are not those it had (k1), but none that can be read"),
    ],
)
def test_another_machine_is_told_from_the_same(pinned: tuple[str, ...], now: tuple[str, ...], said: str | None) -> None:
    """One key in common is enough, as keys are renewed one by one; what was not known then proves nothing."""
    told = another_machine(
        Identity(machine_id=pinned[0], host_keys=pinned[1:]), Identity(machine_id=now[0], host_keys=now[1:])
    )

    assert told is None if said is None else told is not None and said in told


def test_one_machine_under_two_names_is_told_from_clones_and_containers() -> None:
    """Clones share machine-id and keys but not the boot; containers share the boot but not the machine-id."""
    same = [seen("a", "m1", "b1", "k1"), seen("b", "m1", "b1", "k1"), seen("c", "m1", "b1", "k1")]
    clone = seen("clone", "m1", "b2", "k1")
    container = seen("container", "m2", "b1", "k1")
    other_keys = seen("keys", "m1", "b1", "k9")
    nameless = [seen("x", "", "b1", "k1"), seen("y", "", "b1", "k1")]
    down = seen("down", unreachable="no route")

    assert second_names([*same, clone, container, other_keys, *nameless, down]) == {"b": "a", "c": "a"}


def test_hosts_are_refused_by_what_the_plan_pinned() -> None:
    """Wrong machine or second name; hosts that did not answer are another matter, and so are those without a pin."""
    pinned = {"a": Identity(machine_id="m1"), "b": Identity(machine_id="m7"), "down": Identity(machine_id="m9")}
    hosts = [seen("a", "m1", "b1"), seen("b", "m2", "b2"), seen("c", "m1", "b1"), seen("down", unreachable="no route")]

    refused = refused_hosts(pinned, hosts)

    assert set(refused) == {"b", "c"}
    assert refused["b"].startswith("refused: another machine answers: its machine-id was m7 and is m2")
    assert refused["c"] == "refused: it is the same machine as a, which is changed under that name"
    assert set(identities_of(hosts)) == {"a", "b", "c"}
