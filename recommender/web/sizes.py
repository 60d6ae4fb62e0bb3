"""How much the routes of bulk changes take, and what whoever has more can do."""

from __future__ import annotations

from dataclasses import replace

from plumbing.demands import BATCH, BULK

EVENTS = replace(
    BATCH,
    instead="Send fewer events at once, or import a file of any size on the server: `usual import events FILE`.",
)
CATALOGUE = replace(
    BULK,
    instead="Send fewer rows at once, or import a file on the server: `usual import items|places|offers FILE`.",
)
