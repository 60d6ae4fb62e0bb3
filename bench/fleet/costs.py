"""What one request costs each part: measured on this machine, or read from a named recording."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

RECORDED = Path(__file__).parent / "recorded.json"
KINDS = ("press", "visit", "suggestion", "event")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request: processor milliseconds of the server's process and of the engine's, and bytes in.

    `commits` wait until they are on the disk; `marks` are writes that may be lost with the power (nonces, limits,
    kept replies); `reads` are queries.
    """

    server_ms: float
    engine_ms: float
    bytes_in: int
    commits: int
    marks: int
    reads: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one machine. `where` names the measurement, `state` is "sqlite" or "postgresql"."""

    where: str
    state: str
    requests: dict[str, Cost]
    scan_ms: float  # one search of the gallery of `scan_faces` templates, processor time
    scan_faces: int
    template_bytes: float  # in the memory of each process
    server_mb: float  # memory of one machine's server without galleries
    commit_ms: float  # one writer
    commits_s: float  # eight writers
    mark_ms: float
    read_ms: float
    event_bytes: float  # that the database grows by, for an order
    train_s: float  # processor seconds for a million lines
    train_mb: float  # peak memory for a million lines
    postgresql: str = ""  # where its figures come from

    @classmethod
    def load(cls, path: Path = RECORDED) -> Self:
        """Read what `save` wrote.

        Raises:
            ValueError: it is no such file.
        """
        try:
            found = json.loads(path.read_text())
            requests = {kind: Cost(**found["requests"][kind]) for kind in KINDS}
            return cls(**found | {"requests": requests})
        except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} holds no costs of a fleet; make it with --save-costs. ({error})") from error

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def scan(self, faces: float) -> float:
        """Processor milliseconds of one search among so many faces: in proportion to `scan_faces`."""
        return self.scan_ms * faces / self.scan_faces

    def on_postgresql(self, one_writer: float, eight_writers: float, source: str) -> Costs:
        """The same requests with state in PostgreSQL; ratios of rows a second, PostgreSQL / SQLite, for one writer
        and for eight.

        A write that may be lost with the power costs a round trip there too: it is counted like a read.
        """
        return replace(
            self,
            state="postgresql",
            commit_ms=self.commit_ms / one_writer,
            commits_s=self.commits_s * eight_writers,
            mark_ms=max(self.mark_ms, self.read_ms),
            postgresql=source,
        )


RATIO_1, RATIO_8 = 0.59, 1.77
RECORDED_RATIOS = (
    "ratios recorded on the same kind of machine: PostgreSQL 15 with synchronous commit against SQLite WAL+FULL,"
    f" {RATIO_1} x its rows a second with one writer, {RATIO_8} x with eight"
)
