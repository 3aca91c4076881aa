"""Record what the commands of a look at resources answer on a lab host: `python -m tests.resource_recordings.record`.

Writes a file for each image beside this one. Addresses, numbers and times in them are a lab host's.
"""

from __future__ import annotations

import json
from pathlib import Path

from hardening.resources.probes import commands
from tests.lab.fleet import HostSpec, boot_fleet
from tests.lab.lab import Lab

PLACE = Path(__file__).parent
IMAGES = ("debian12", "debian13")


def main() -> None:
    """Boot a host of each image, with PostgreSQL and fetched package lists, and write down its answers."""
    with Lab.create() as lab:
        specs = [HostSpec(name=f"rec-{image}", image=image, services=("postgresql", "nginx")) for image in IMAGES]
        for image, host in zip(IMAGES, boot_fleet(lab, specs), strict=True):
            host.run("apt-get update")
            answers = {}
            for command in commands():
                done = host.over_ssh("sudo -n sh -s", stdin=command + "\n")
                answers[command] = [done.rc, done.stdout, done.stderr]
            (PLACE / f"{image}.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
