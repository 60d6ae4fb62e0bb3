"""Power cuts over the audit's log, head and key file: none may be taken for a hand, and signing goes on."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import Row
from tests.identity.audit.cuts import cuts
from tests.identity.audit.test_power_cuts import a_quiet_day, busy_day, restarted, serve_on


def rows(short: bool) -> list[Row]:
    """False alarms, of how many cuts."""
    count, done, wrong = 150 if short else 1_000, 0, list[str]()
    for seed, scenario in enumerate((busy_day, a_quiet_day, restarted)):
        with tempfile.TemporaryDirectory(prefix="usual-cuts-") as folder:
            made, said = cuts(scenario, serve_on, Path(folder), count, seed)
        done, wrong = done + made, wrong + said
    note = "; ".join(wrong[:3])
    return [
        Row("power cuts", "audit: cuts simulated", done, "", 600 if short else 4_000, "more", ""),
        Row("power cuts", "audit: false alarms", len(wrong), "", 0, "less", note),
    ]
