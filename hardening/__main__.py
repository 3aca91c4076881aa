"""`python -m hardening` and the installed `hardening` command."""

from __future__ import annotations

from hardening.bundle import bundled_package


def main() -> None:
    """Run the command line that is shipped as `cli.py`."""
    bundled_package("cli").main()


if __name__ == "__main__":
    main()
