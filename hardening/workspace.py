"""A workspace: the directory with the ledger, the waivers, and baselines of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hardening import __version__
from hardening.bundle import bundle_root
from hardening.errors import AskedWrongly, Incomplete

EXAMPLE_INVENTORY = """\
---
# Your hosts. Every variable Ansible knows works here; passwords belong into ansible-vault.
all:
  vars:
    ansible_user: ops
    ansible_become: true
  children:
    web:
      hosts:
        web01:
          ansible_host: 192.0.2.11
    db:
      hosts:
        db01:
          ansible_host: 192.0.2.21
"""

EXAMPLE_WAIVERS = """\
---
# Accepted exceptions. Every one needs an owner, a reason, a compensating measure, a ticket and a day on which it ends.
waivers: []
# - control: sshd_allow_tcp_forwarding
#   hosts: [bastion*]
#   owner: Network team
#   reason: The bastion forwards administrators' sessions.
#   compensating: Sessions are recorded on the bastion.
#   ticket: CHG-1234
#   approver: Chief information security officer
#   expires: 2027-03-31
"""

EXAMPLE_REGISTER = """\
---
# The register of resources: what no host can say of itself (docs/resources.md). Hosts are those of the inventory.
hosts: {}
#   web01:
#     system: Case service
#     level: important          # core, important or general
#     mlps: 3
#     department: Information centre
#     owner: Li Na
#     location: Room 1
#     rack: R03
#     zone: business
#     form: virtual             # what is stated of the hardware is held against what is seen
#     cpus: 4
#     memory_gib: 8
#     warranty_ends: 2028-06-30
lines: {}
#   internet-1:
#     provider: Carrier
#     type: internet            # internet, government_extranet or leased
#     bandwidth_mbps: 200
#     end_a: Room 1
#     end_b: Carrier's node
#     host: web01               # where its traffic is seen; leave host and interface out if it is nowhere
#     interface: eth0
#     department: Information centre
#     owner: Li Na
#     expires_on: 2027-12-31
services: {}
data: {}
"""

GITLAB_CI = """\
---
# The scan must answer 0 to be green: 1 is a gap, 3 means that not everything could be looked at.
hardening:
  image: python:3.11
  variables:
    # Your own wheel (`pip wheel --no-deps .` in a checkout) or package index: the suite is on no public one.
    HARDENING: wheels/hardening-{version}-py3-none-any.whl
  script:
    - pip install "$HARDENING"
    - hardening scan -i inventory -p {profile} --junit junit.xml --html report.html
  artifacts:
    when: always
    paths: [report.html]
    reports:
      junit: junit.xml
"""

GITHUB_CI = """\
---
# The scan must answer 0 to be green: 1 is a gap, 3 means that not everything could be looked at.
name: hardening
"on":
  schedule:
    - cron: "17 4 * * 1"
  workflow_dispatch: {{}}
permissions:
  contents: read
jobs:
  scan:
    runs-on: ubuntu-latest
    env:
      # Your own wheel (`pip wheel --no-deps .` in a checkout) or package index: the suite is on no public one.
      HARDENING: wheels/hardening-{version}-py3-none-any.whl
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install "$HARDENING"
      - run: hardening scan -i inventory -p {profile} --junit junit.xml --html report.html
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: hardening
          path: |
            junit.xml
            report.html
"""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where a user's files lie. Nothing is created before something must be written."""

    root: Path

    @property
    def ledger(self) -> Path:
        """The ledger, where no other was named."""
        return self.root / ".hardening" / "ledger.sqlite3"

    @property
    def waivers(self) -> Path:
        """The waiver file, which need not exist."""
        return self.root / "waivers.yml"

    @property
    def register(self) -> Path:
        """The register of resources, which need not exist."""
        return self.root / "resources.yml"

    @property
    def settings(self) -> Path:
        """The rules of the house, which need not be written down."""
        return self.root / "hardening.yml"

    @property
    def redaction(self) -> Path:
        """What goes out of texts before they are kept, beside secrets; the file need not exist."""
        return self.root / "redaction.yml"

    def baselines(self, extra: tuple[Path, ...]) -> tuple[Path, ...]:
        """Return the directories of baselines: the shipped one, the workspace's own, and those named."""
        own = self.root / "baselines"
        shipped = bundle_root() / "baselines"
        mine = (own,) if own.is_dir() and own.resolve() != shipped.resolve() else ()
        return (shipped, *mine, *extra)


def create_workspace(root: Path, *, profile: str) -> tuple[Path, ...]:
    """Write an example inventory, a waiver file and CI files; refuses to overwrite anything.

    Returns the files written.
    """
    files = {
        root / "inventory" / "hosts.yml": EXAMPLE_INVENTORY,
        root / "waivers.yml": EXAMPLE_WAIVERS,
        root / "resources.yml": EXAMPLE_REGISTER,
        root / ".gitlab-ci.yml": GITLAB_CI.format(profile=profile, version=__version__),
        root / ".github" / "workflows" / "hardening.yml": GITHUB_CI.format(profile=profile, version=__version__),
        root / ".gitignore": ".hardening/\n",
    }
    present = [path for path in files if path.exists()]
    if present:
        raise AskedWrongly(f"{present[0]} exists already; init writes only into an empty place")
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        except OSError as problem:
            raise Incomplete(f"{path}: cannot be written: {problem.strerror}") from None
    return tuple(files)
