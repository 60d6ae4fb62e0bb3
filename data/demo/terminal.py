"""What the demo prints: lines and progress bars."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import click


def say(text: str, *, heading: bool = False) -> None:
    """A line of the story."""
    click.secho(f"\n{text}" if heading else f"  {text}", bold=heading, fg="cyan" if heading else None)


@contextlib.contextmanager
def bars(label: str, total: int) -> Iterator[Any]:
    """A progress bar on a terminal; elsewhere one line when it is done."""
    from tqdm import tqdm

    began, there = time.monotonic(), sys.stderr.isatty()
    with tqdm(total=total, desc=f"  {label}", disable=not there, leave=False) as bar:
        yield bar
    say(f"{label}: done in {time.monotonic() - began:.1f} s")
