"""Make the Word templates of the reports: python tools/make_docx_templates.py [DIRECTORY]

The templates are kept in the repository, so that a customer can open one in Word, change it and hand it in with
`--docx-template`. What may stand in them is told in docs/evidence-templates.md. A test says when they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.docx_page import LANGUAGES  # noqa: E402 - the checkout must be on the path first
from tools.docx_sections import REPORTS  # noqa: E402

TEMPLATES = ROOT / "hardening" / "reports" / "templates"


def main(directory: Path) -> None:
    """Write all templates."""
    for name, write in REPORTS.items():
        for lang in LANGUAGES:
            path = directory / f"{name}.{lang}.docx"
            path.write_bytes(write(lang))
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES)
