"""Who signed a bundle, and when: by SSH keys, agents, commands of the user's, and time stamp authorities."""

from __future__ import annotations

import base64
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope

from hardening.errors import AskedWrongly, EvidenceBroken, Incomplete
from hardening.ledger import Ledger
from hardening.seal.signers import Trust, command_sign, ssh_sign
from hardening.seal.statement import pae, payload_of
from hardening.seal.verify import verify
from hardening.seal.writing import add
from tests.bundles import allowed_signers, bundle_of, copied, recorded, ssh_key

TSA_CONFIG = """\
[tsa]
serial = {room}/serial
crypto_device = builtin
signer_cert = {room}/tsa.pem
signer_key = {room}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with the campaign."""
    with recorded(tmp_path_factory.mktemp("ledger")) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with keys of three people."""
    room = tmp_path_factory.mktemp("keys")
    for name in ("wang", "zhao", "mallory"):
        ssh_key(room, name)
    return room


@pytest.fixture(scope="module")
def allowed(keys: Path) -> Path:
    """Wang and Zhao may sign; Mallory may not."""
    return allowed_signers(keys, keys / "wang", keys / "zhao")


@pytest.fixture(scope="module")
def signed(ledger: Ledger, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that Wang signed."""
    destination = tmp_path_factory.mktemp("bundles") / "signed"
    return bundle_of(ledger, destination, signers=[functools.partial(ssh_sign, keys / "wang")])


@pytest.fixture(scope="module")
def zipped(ledger: Ledger, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip that Wang signed."""
    destination = tmp_path_factory.mktemp("bundles") / "signed.zip"
    return bundle_of(ledger, destination, signers=[functools.partial(ssh_sign, keys / "wang")])


def trusts(bundle: Path, allowed: Path | None) -> list[tuple[Trust, str | None]]:
    """Return what is said of each signature."""
    found = verify(bundle, allowed_signers=allowed)
    assert found.problems == []
    return [(each.trust, each.signer) for each in found.signatures]


def test_absent_invalid_unknown_and_valid_are_told_apart(
    ledger: Ledger, signed: Path, keys: Path, allowed: Path, tmp_path: Path
) -> None:
    """Four cases, four answers."""
    unsigned = bundle_of(ledger, tmp_path / "unsigned")
    foreign = bundle_of(ledger, tmp_path / "foreign", signers=[functools.partial(ssh_sign, keys / "mallory")])
    broken = copied(signed, tmp_path / "broken")
    swapped = (foreign / "seal/signature-1.ssh.sig").read_text().splitlines()
    mine = (broken / "seal/signature-1.ssh.sig").read_text().splitlines()
    # Wang's key with another signature: the last lines of the armour hold it.
    (broken / "seal/signature-1.ssh.sig").write_text("\n".join([*mine[:-2], *swapped[-2:]]) + "\n")

    assert trusts(unsigned, allowed) == []
    assert trusts(signed, allowed) == [(Trust.VALID, "wang")]
    assert trusts(foreign, allowed) == [(Trust.UNKNOWN, None)]
    assert trusts(signed, None) == [(Trust.UNCHECKED, None)]
    assert [each.trust for each in verify(broken, allowed_signers=allowed).signatures] == [Trust.INVALID]


def test_a_signature_for_another_purpose_is_none(signed: Path, keys: Path, allowed: Path, tmp_path: Path) -> None:
    """What Wang signed as a commit, or over other bytes, is no seal."""
    bundle = copied(signed, tmp_path / "bundle")
    statement = (bundle / "seal/statement.pae").read_bytes()
    for namespace, content in (("git", statement), ("hardening-evidence", b"something else")):
        words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(keys / "wang"), "-n", namespace]
        made = subprocess.run(words, input=content, capture_output=True, check=True).stdout
        (bundle / "seal/signature-1.ssh.sig").write_bytes(made)

        assert [each.trust for each in verify(bundle, allowed_signers=allowed).signatures] == [Trust.INVALID]


def test_a_key_that_may_sign_no_longer_is_unknown(signed: Path, keys: Path, tmp_path: Path) -> None:
    """Allowed signers can end, and be bound to a purpose."""
    (tmp_path / "wang.pub").write_text((keys / "wang.pub").read_text())
    for options in ('valid-before="20200101"', 'namespaces="git"'):
        rules = allowed_signers(tmp_path, tmp_path / "wang", options=options)

        (found,) = verify(signed, allowed_signers=rules).signatures

        assert found.trust is Trust.UNKNOWN, options


@pytest.mark.parametrize("form", ["signed", "zipped"])
def test_a_second_signer_signs_off(
    request: pytest.FixtureRequest, form: str, keys: Path, allowed: Path, tmp_path: Path
) -> None:
    """Both signatures stand over the same bytes; the first stays as it was."""
    bundle = copied(request.getfixturevalue(form), tmp_path / f"bundle{'.zip' if form == 'zipped' else ''}")

    add(bundle, signers=[functools.partial(ssh_sign, keys / "zhao")], tokens=[])

    assert trusts(bundle, allowed) == [(Trust.VALID, "wang"), (Trust.VALID, "zhao")]


def test_taking_the_first_signature_away_is_found(signed: Path, keys: Path, tmp_path: Path) -> None:
    """The numbers have a gap, and the envelope does not follow any more."""
    bundle = copied(signed, tmp_path / "bundle")
    add(bundle, signers=[functools.partial(ssh_sign, keys / "zhao")], tokens=[])

    (bundle / "seal/signature-1.ssh.sig").unlink()

    problems = verify(bundle).problems
    assert any("gap" in problem for problem in problems)
    assert any(problem.startswith("seal/envelope.dsse.json: was changed") for problem in problems)


def test_a_broken_bundle_is_not_signed(signed: Path, keys: Path, tmp_path: Path) -> None:
    """Nobody signs off what does not verify, and it stays as it was."""
    bundle = copied(signed, tmp_path / "bundle")
    (bundle / "coverage.json").write_text("{}")

    with pytest.raises(EvidenceBroken, match=r"coverage\.json: was changed"):
        add(bundle, signers=[functools.partial(ssh_sign, keys / "zhao")], tokens=[])

    assert len(list((bundle / "seal").glob("*.sig"))) == 1


def test_a_key_in_an_agent_signs(ledger: Ledger, keys: Path, allowed: Path, tmp_path: Path) -> None:
    """Only its public part lies on the disk, as with a hardware token."""
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    old = os.environ.get("SSH_AUTH_SOCK")
    try:
        for _ in range(200):
            if socket.exists():
                break
            assert agent.poll() is None
            subprocess.run(["sleep", "0.05"], check=True)
        os.environ["SSH_AUTH_SOCK"] = str(socket)
        subprocess.run(["ssh-add", "-q", str(keys / "zhao")], check=True)
        public = tmp_path / "elsewhere.pub"
        shutil.copyfile(keys / "zhao.pub", public)

        bundle = bundle_of(ledger, tmp_path / "bundle", signers=[functools.partial(ssh_sign, public)])
    finally:
        os.environ.pop("SSH_AUTH_SOCK", None)
        if old is not None:
            os.environ["SSH_AUTH_SOCK"] = old
        agent.terminate()
        agent.wait(timeout=60)

    assert trusts(bundle, allowed) == [(Trust.VALID, "zhao")]


def test_a_key_that_cannot_sign_says_why_and_leaves_nothing(ledger: Ledger, keys: Path, tmp_path: Path) -> None:
    """No half bundle stays behind."""
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("no key\n")
    nonsense.chmod(0o600)
    for key, error in ((nonsense, Incomplete), (tmp_path / "missing", AskedWrongly)):
        with pytest.raises(error, match=key.name):
            bundle_of(ledger, tmp_path / "bundle", signers=[functools.partial(ssh_sign, key)])

    assert [path.name for path in tmp_path.iterdir()] == ["nonsense"]


def test_the_envelope_is_one_to_others(signed: Path) -> None:
    """securesystemslib reads it, and encodes to the very bytes that were signed."""
    document = json.loads((signed / "seal/envelope.dsse.json").read_bytes())
    statement = (signed / "seal/statement.pae").read_bytes()

    signatures = {
        each["keyid"]: {**each, "sig": base64.b64decode(each["sig"]).hex()} for each in document["signatures"]
    }
    parsed = Envelope(base64.b64decode(document["payload"]), document["payloadType"], {})

    assert parsed.pae() == statement == pae(payload_of(statement))
    assert all(re.fullmatch(r"SHA256:[\w+/]{43}", key) for key in signatures)
    subject = {each["name"]: each["digest"] for each in json.loads(parsed.payload)["subject"]}
    assert set(subject) == {"manifest.json", "SHA256SUMS"}


def test_the_key_id_is_the_fingerprint_that_ssh_keygen_prints(signed: Path, keys: Path) -> None:
    """So that a person can compare it with what the signer reads out."""
    printed = subprocess.run(
        ["ssh-keygen", "-lf", str(keys / "wang.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]

    assert verify(signed).signatures[0].key == printed


def test_the_commands_of_the_readme_check_the_bundle(signed: Path, allowed: Path, tmp_path: Path) -> None:
    """The very blocks of the page, in a shell; each notices what it is there to notice."""
    good = copied(signed, tmp_path / "good")
    changed, added, other = (copied(signed, tmp_path / name) for name in ("changed", "added", "other"))
    (changed / "reports/en/report.md").write_text("all is well\n")
    (added / "reports/en/more.html").write_text("<p>all is well</p>")
    statement = other / "seal/statement.pae"
    statement.write_bytes(statement.read_bytes().replace(b'"name":"SHA256SUMS"', b'"name":"SHA256SUMZ"'))

    assert run_readme(good, allowed) == (0, ["manifest.json: signed", "SHA256SUMS: signed"])
    assert run_readme(changed, allowed)[0] != 0
    assert "reports/en/more.html" in run_readme(added, allowed)[1]
    assert run_readme(other, allowed)[0] != 0


def run_readme(bundle: Path, allowed: Path) -> tuple[int, list[str]]:
    """Run the page's blocks one after another, as its reader would; stop at the first that fails."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (bundle / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    script = "set -e\n" + "".join(blocks)
    said = subprocess.run(
        ["sh", "-c", script],
        cwd=bundle,
        env={"PATH": os.environ["PATH"], "ALLOWED_SIGNERS": str(allowed)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in said.stdout.splitlines() if not line.startswith("Good ")]
    return said.returncode, lines


def test_an_external_command_signs_with_sm2(ledger: Ledger, tmp_path: Path) -> None:
    """Through openssl; its own verifier checks it, and without one it is not checked."""
    key, public = tmp_path / "sm2.key", tmp_path / "sm2.pub"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", key],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    bundle = bundle_of(
        ledger, tmp_path / "bundle", signers=[functools.partial(command_sign, f"openssl dgst -sm3 -sign {key}")]
    )
    verifier = f"openssl dgst -sm3 -verify {public} -signature"

    (good,) = verify(bundle, verifier=verifier).signatures
    (unchecked,) = verify(bundle).signatures
    signature = bundle / "seal/signature-1.external.sig"
    signature.write_bytes(signature.read_bytes()[:-1] + b"\0")
    (bad,) = verify(bundle, verifier=verifier).signatures

    assert (good.trust, unchecked.trust, bad.trust) == (Trust.VALID, Trust.UNCHECKED, Trust.INVALID)


def test_a_signer_command_that_fails_says_so(ledger: Ledger, tmp_path: Path) -> None:
    """And one that does not exist is a mistake of the user's."""
    for command, error in (("false", Incomplete), ("true", Incomplete), ("no-such-program x", AskedWrongly)):
        with pytest.raises(error, match="signer"):
            bundle_of(ledger, tmp_path / "bundle", signers=[functools.partial(command_sign, command)])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A time stamp authority of our own: key, certificate, configuration."""
    room = tmp_path_factory.mktemp("authority")
    (room / "serial").write_text("01\n")
    (room / "tsa.conf").write_text(TSA_CONFIG.format(room=room))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", room / "tsa.key",
         "-out", room / "tsa.pem", "-subj", "/CN=Test authority", "-days", "365",
         "-addext", "extendedKeyUsage=critical,timeStamping"],
        check=True, capture_output=True,
    )  # fmt: skip
    return room


def token(authority: Path, data: Path, out: Path, *more: str) -> Path:
    """Ask the authority for a time stamp of a file."""
    query = out.with_suffix(".tsq")
    subprocess.run(
        ["openssl", "ts", "-query", "-data", data, "-sha256", "-cert", "-out", query], check=True, capture_output=True
    )
    words = [
        "openssl",
        "ts",
        "-reply",
        "-config",
        str(authority / "tsa.conf"),
        "-section",
        "tsa",
        "-queryfile",
        str(query),
    ]
    subprocess.run([*words, "-out", str(out), *more], check=True, capture_output=True)
    return out


@pytest.mark.parametrize("more", [(), ("-token_out",)], ids=["reply", "token"])
def test_a_time_stamp_is_put_in_and_checked(
    ledger: Ledger, signed: Path, authority: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """As a whole reply or a bare token; against the authority's certificate where it is named."""
    bundle = copied(signed, tmp_path / "bundle")
    stamp = token(authority, bundle / "seal/statement.pae", tmp_path / "stamp", *more)

    add(bundle, signers=[], tokens=[stamp])
    again = bundle_of(ledger, tmp_path / "again", tokens=[stamp])
    (trusted,) = verify(bundle, authorities=authority / "tsa.pem").stamps

    assert verify(bundle).problems == []
    assert trusted.trust is Trust.VALID
    assert trusted.at is not None
    assert trusted.at.endswith("GMT")
    assert [each.trust for each in verify(bundle).stamps] == [Trust.UNCHECKED]
    # The statement of a campaign is always the same, so that a token can be asked for before the bundle goes out.
    assert (again / "seal/timestamp-1.tsr").read_bytes() == stamp.read_bytes()


def test_a_time_stamp_of_something_else_is_refused_and_found(signed: Path, authority: Path, tmp_path: Path) -> None:
    """Putting it in is refused; one that was put in by hand is invalid, and so is nonsense."""
    bundle = copied(signed, tmp_path / "bundle")
    stamp = token(authority, bundle / "README.md", tmp_path / "stamp")

    with pytest.raises(EvidenceBroken, match="is a time stamp of something else"):
        add(bundle, signers=[], tokens=[stamp])
    shutil.copyfile(stamp, bundle / "seal/timestamp-1.tsr")
    (bundle / "seal/timestamp-2.tsr").write_text("nonsense")

    assert [each.trust for each in verify(bundle).stamps] == [Trust.INVALID, Trust.INVALID]


def test_a_time_stamp_of_an_authority_that_is_not_trusted_is_invalid(
    signed: Path, authority: Path, tmp_path: Path
) -> None:
    """The token is good, but of somebody else."""
    bundle = copied(signed, tmp_path / "bundle")
    add(bundle, signers=[], tokens=[token(authority, bundle / "seal/statement.pae", tmp_path / "stamp")])
    other = tmp_path / "other.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "other.key",
         "-out", other, "-subj", "/CN=Other", "-days", "365"],
        check=True, capture_output=True,
    )  # fmt: skip

    (found,) = verify(bundle, authorities=other).stamps

    assert found.trust is Trust.INVALID
