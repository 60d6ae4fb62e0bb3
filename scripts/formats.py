"""Write plumbing/upgrade/formats.json: the steps that make each database of a state folder.

Usage: python scripts/formats.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from doorway.upgrade import steps  # noqa: E402 - found by the line above

if __name__ == "__main__":
    (ROOT / "plumbing" / "upgrade" / "formats.json").write_text(json.dumps(steps(), indent=1) + "\n")
