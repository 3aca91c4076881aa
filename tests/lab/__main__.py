"""The lab from the command line: `python -m tests.lab --help`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab.apt_sources import machine_archive
from tests.lab.errors import LabError
from tests.lab.images import IMAGES, SUITES, image
from tests.lab.inventory import write_inventory
from tests.lab.lab import Lab, clean_stale, take_down
from tests.lab.network import Network
from tests.lab.paths import lab_root, locked, require_root
from tests.lab.prune import prune_images

_PROGRAMS = (
    *(
        "apt-ftparchive",
        "faketime",
        "gcc",
        "gpg",
        "ip",
        "mke2fs",
        "mmdebstrap",
        "nsenter",
        "qemu-img",
        "qemu-system-x86_64",
    ),
    *("setpriv", "setsid", "ssh", "ssh-keygen", "systemctl", "systemd-nspawn", "umount", "unshare"),
)
_NETWORK = "10.97.0.0/24"


def main() -> int:
    """Do what the command line says; return the exit code."""
    words = _parser().parse_args()
    try:
        return int(words.act(words) or 0)
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="Real hosts in seconds.")
    verbs = parser.add_subparsers(required=True)

    def verb(name: str, act: object, text: str) -> argparse.ArgumentParser:
        found = verbs.add_parser(name, help=text, description=text)
        found.set_defaults(act=act)
        found.add_argument("--network", default=_NETWORK, help=f"the lab's private /24 (default {_NETWORK})")
        return found

    verb("needs", _needs, "say what this machine lacks for the lab; exit code 1 if anything")
    build = verb("build", _build, "build the images that are missing")
    build.add_argument("images", nargs="*", default=list(SUITES))
    up = verb("up", _up, "boot a host, new or powered off")
    up.add_argument("name")
    up.add_argument("--image", default="debian12", choices=IMAGES)
    up.add_argument("--services", default="", help="comma-separated: nginx,postgresql")
    up.add_argument("--vm", action="store_true", help="a virtual machine with a kernel of its own, not a container")
    down = verb("down", _down, "remove one host, or the whole lab of the network")
    down.add_argument("name", nargs="?")
    verb("off", _off, "power a host off; `up` boots the same file system again").add_argument("name")
    verb("prune", _prune, "remove images that the recipe no longer names and no host uses")
    verb("list", _list, "list every lab and its hosts")
    verb("inventory", _inventory, "write and name the Ansible inventory of the network's hosts")
    for name, act, text in (
        ("ssh", _ssh, "run a command over ssh as --user (default ops)"),
        ("exec", _exec, "run a shell command as root from outside, without ssh"),
    ):
        far = verb(name, act, text)
        far.add_argument("--user", default="ops")
        far.add_argument("name")
        far.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def _needs(_words: argparse.Namespace) -> None:
    require_root()
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)}; run `make setup` as root on Debian 12 or 13")
    machine_archive()


def _build(words: argparse.Namespace) -> None:
    # Much of a build is one process after the other: two systems keep two cores busy.
    with ThreadPoolExecutor(len(SUITES)) as pool:
        for built in pool.map(image, words.images):
            print(built.base)


def _up(words: argparse.Namespace) -> None:
    lab = Lab.open(words.network)
    services = tuple(filter(None, words.services.split(",")))
    make = lab.machine if words.vm else lab.host
    host = lab.everyone.get(words.name) or make(words.name, image=words.image, services=services)
    took_s = host.boot()
    inventory = write_inventory(lab.directory / "inventory.yml", list(lab.everyone.values()))
    print(f"{host} up in {took_s:.1f} s\ninventory: {inventory}\nssh: {' '.join(host.ssh.argv(host.address))}")


def _down(words: argparse.Namespace) -> None:
    if words.name:
        _existing(words.network).remove(words.name)
    else:
        take_down(_directory(words.network))


def _off(words: argparse.Namespace) -> None:
    _existing(words.network).everyone[words.name].power_off()


def _list(_words: argparse.Namespace) -> None:
    with locked("run"):
        clean_stale()
    for directory in sorted((lab_root() / "run").glob("hl*")):
        try:
            network = (directory / "network").read_text()
            owner = (directory / "owner").read_text().split()[0] if (directory / "owner").exists() else "kept"
        except FileNotFoundError:
            continue  # Its owner is taking it down at this moment.
        print(f"{network}  owner: {owner}")
        for described in sorted(directory.glob("hosts/*/host.json")):
            host = json.loads(described.read_text())
            print(f"  {host['name']:20} {host['address']:15} {host['image'][0]:10} {','.join(host['services'])}")


def _prune(_words: argparse.Namespace) -> None:
    with locked("run"):
        clean_stale()
        for removed in prune_images():
            print(f"removed {removed}")


def _inventory(words: argparse.Namespace) -> None:
    lab = _existing(words.network)
    print(write_inventory(lab.directory / "inventory.yml", list(lab.everyone.values())))


def _ssh(words: argparse.Namespace) -> None:
    host = _existing(words.network).everyone[words.name]
    argv = [*host.ssh.argv(host.address, user=words.user), *words.command]
    os.execvp(argv[0], argv)  # noqa: S606 - there is no shell on purpose, and no exit code to pass on by hand.


def _exec(words: argparse.Namespace) -> int:
    done = _existing(words.network).everyone[words.name].exec_inside(" ".join(words.command))
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.rc


def _existing(network: str) -> Lab:
    _directory(network)
    return Lab(Network(base=network))


def _directory(network: str) -> Path:
    directory = lab_root() / "run" / Network(base=network).bridge
    if not directory.exists():
        raise LabError(f"there is no lab on {network}; `python -m tests.lab list` shows those there are")
    return directory


if __name__ == "__main__":
    sys.exit(main())
