"""Ask pip-audit for known vulnerabilities of every package that a lock file pins.

Usage: python scripts/advisories.py [--program PATH]

pip-audit leaves out what it finds no data for and still reports success. Here the status is 0 only when every
pinned version was audited and nothing is known of any, and when an old version with a known vulnerability, asked
about as a control, was reported. Without --program, pip-audit is installed from locks/advisories.txt into a
temporary environment.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = tuple(ROOT / "locks" / f"{name}.txt" for name in ("runtime", "dev", "build", "notebooks", "advisories"))
CONTROL = ("jinja2", "2.4.1")
"""A package that every collection of advisories knows something about. It is asked about and never installed."""
TIMEOUT_S = 900
NAMED = 5  # packages in a sentence

Pin = tuple[str, str]


class NotAudited(Exception):
    """No answer can be given; the text says why."""


@dataclass
class Audit:
    """What pip-audit said: vulnerabilities of each pin (empty: none known), and why others were left out."""

    audited: dict[Pin, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def canonical(name: str) -> str:
    """A package's name as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of(locks: Iterable[Path]) -> list[Pin]:
    """Every (name, version) of lock files, for any Python and system. Raises NotAudited without any."""
    found = {
        (canonical(name), version)
        for lock in locks
        for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE)
    }
    if not found:
        raise NotAudited("The lock files pin no package.")
    return sorted(found)


def rounds(pins: Iterable[Pin]) -> Iterator[list[Pin]]:
    """The pins in groups in which no package stands twice: pip-audit refuses a file with two versions of one."""
    left = list(pins)
    while left:
        group = dict(reversed(left))
        yield sorted(group.items())
        left = [pin for pin in left if pin not in group.items()]


def ask(program: Path, pins: list[Pin]) -> Audit:
    """Run pip-audit over pins. Raises NotAudited when it does not run or does not answer in its format."""
    with tempfile.TemporaryDirectory(prefix="usual-advisories-") as folder:
        asked = Path(folder) / "pins.txt"
        asked.write_text("".join(f"{name}=={version}\n" for name, version in pins))
        order = [str(program), "-r", str(asked), "--disable-pip", "--no-deps", "--format", "json"]
        options = ["--desc", "off", "--progress-spinner", "off"]
        try:
            done = subprocess.run(  # noqa: S603 - our own program
                [*order, *options], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotAudited(f"pip-audit did not run to its end: {error}") from error
    try:
        return read(json.loads(done.stdout))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = (done.stderr or done.stdout).strip()[-500:] or "nothing"
        raise NotAudited(f"pip-audit gave no answer (status {done.returncode}). It said: {said}") from error


def read(answer: dict[str, list[dict[str, object]]]) -> Audit:
    """pip-audit's JSON. Raises ValueError, TypeError, KeyError or AttributeError when it is something else."""
    audit = Audit()
    for package in answer["dependencies"]:
        name = canonical(str(package["name"]))
        if "skip_reason" in package:
            audit.skipped[name] = str(package["skip_reason"])
            continue
        known = package["vulns"]
        if not isinstance(known, list):
            raise TypeError("vulns is no list")
        audit.audited[name, str(package["version"])] = [described(entry) for entry in known]
    return audit


def described(entry: dict[str, object]) -> str:
    """A vulnerability on one line."""
    fixed = entry.get("fix_versions")
    versions = ", ".join(map(str, fixed)) if isinstance(fixed, list) and fixed else "no version yet"
    return f"{entry['id']} (fixed in: {versions})"


def audit_all(program: Path, pins: list[Pin]) -> tuple[dict[Pin, list[str]], str]:
    """The known vulnerabilities of each pin, and a sentence on what was not audited ("" when all was).

    Raises NotAudited when nothing can be said.
    """
    found: dict[Pin, list[str]] = {}
    skipped: dict[str, str] = {}
    for group in rounds(pins):
        audit = ask(program, group)
        found.update(audit.audited)
        skipped.update(audit.skipped)
    missing = [pin for pin in pins if pin not in found]
    if missing:
        named = [f"{name} {version}: {skipped.get(name, 'no answer')}" for name, version in missing[:NAMED]]
        more = [f"and {len(missing) - NAMED} more"] if len(missing) > NAMED else []
        return found, f"{len(missing)} of {len(pins)} packages were not audited. {'; '.join(named + more)}"
    if not ask(program, [CONTROL]).audited.get(CONTROL):
        return found, f"Nothing is known of {' '.join(CONTROL)}, which is vulnerable: the data was not reached."
    return found, ""


def installed(folder: Path) -> Path:
    """pip-audit in an environment of its own. Raises NotAudited when it cannot be installed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    order = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps", "-r"]
    done = subprocess.run([str(python), *order, str(LOCKS[-1])], check=False)  # noqa: S603 - fixed words
    if done.returncode:
        raise NotAudited("pip-audit cannot be installed from locks/advisories.txt.")
    return folder / "bin" / "pip-audit"


def main() -> int:
    """Print what is known; 0 only when everything was audited and nothing is known."""
    reader = argparse.ArgumentParser(prog="advisories.py", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--program", type=Path, help="the pip-audit to run")
    program = reader.parse_args().program
    try:
        pins = pins_of(LOCKS)
        with tempfile.TemporaryDirectory(prefix="usual-advisories-") as folder:
            found, complaint = audit_all(program or installed(Path(folder)), pins)
    except NotAudited as error:
        sys.stderr.write(f"NOT AUDITED: {error}\n")
        return 1
    known = [f"{name} {version}: {entry}" for (name, version), entries in found.items() for entry in entries]
    for line in known:
        sys.stdout.write(f"{line}\n")
    if complaint:
        sys.stderr.write(f"NOT AUDITED: {complaint}\n")
        return 1
    sys.stdout.write(f"{len(found)} packages audited, {len(known)} known vulnerabilities\n")
    return int(bool(known))


if __name__ == "__main__":
    sys.exit(main())
