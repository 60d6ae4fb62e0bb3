"""What the demo prints: lines and progress bars."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import click

from plumbing.cli import progress_bar


class Bar(Protocol):
    """A progress bar."""

    def update(self, n: int) -> object:
        """`n` more steps are done."""


Progress = Callable[[str, int], AbstractContextManager[Bar]]
"""`progress(label, total)` gives a bar of `total` steps; see `bars`."""


def say(text: str, *, heading: bool = False) -> None:
    """A line of the story."""
    click.secho(f"\n{text}" if heading else f"  {text}", bold=heading, fg="cyan" if heading else None)


@contextlib.contextmanager
def bars(label: str, total: int) -> Iterator[Bar]:
    """A progress bar on a terminal; elsewhere one line when it is done."""
    began = time.monotonic()
    with progress_bar(f"  {label}", total, unit="it") as bar:
        yield bar
    say(f"{label}: done in {time.monotonic() - began:.1f} s")
