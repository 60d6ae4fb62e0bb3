"""Write docs/settings.md from the settings in the code. `--check` only compares; 1 if they differ."""

from __future__ import annotations

import sys
from pathlib import Path

from plumbing.configuration.reference import page

TARGET = Path(__file__).resolve().parents[1] / "docs" / "settings.md"


def main() -> int:
    """Write it, or compare."""
    if "--check" in sys.argv[1:]:
        return int(TARGET.read_text("utf-8") != page())
    TARGET.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
