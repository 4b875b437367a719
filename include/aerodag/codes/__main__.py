"""Writes ``docs/errors.md``: ``python -m aerodag.codes``."""

from __future__ import annotations

from aerodag.codes.entries import entries
from aerodag.codes.page import page
from aerodag.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "errors.md"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(entries()), encoding="utf-8")


if __name__ == "__main__":
    main()
