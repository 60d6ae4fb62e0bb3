"""Look for secrets in every file that git tracks or would add (without git: in every file).

Usage: python scripts/scan_secrets.py [FOLDER]

The detectors are those of detect-secrets and our own formats below. A line that only looks like a secret says so:
`pragma: allowlist secret - REASON`. The status is 1 when something is found; it is named, never shown.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

ROOT = Path(__file__).resolve().parent.parent


class OurFormats(RegexBasedDetector):
    """What this product mints: API keys, Fernet keys (token.key, master.key), tokens."""

    secret_type = "Usual"  # noqa: S105 - a name of the library's, not a secret
    denylist = (
        re.compile(r"usual-k\d+-[\w-]{43}"),
        re.compile(r"(?<![\w+/-])[\w+/-]{43}=(?![=\w])"),  # 32 bytes
        re.compile(r"gAAAA[\w-]{60,}"),
    )


NOISY = ("KeywordDetector", "IPPublicDetector")
"""Detectors of the library that report names of variables and addresses of examples."""

STATE = ("token.key", "master.key", "identity-keys*", "*.db", "*.db-wal", "*.pem", ".env")
"""Names of files that belong to an installation and never to the project."""
FIXTURES = "tests/fixtures/*"
"""State of older versions, made for the tests alone: may have such names."""

WORTH = re.compile(r"PRIVATE KEY|://[^\s/]*@|(?=[A-Za-z+/=_.-]*\d)[\w+/=.-]{16}")
"""Only such lines are looked at: every known secret is a long word with a digit in it. Ten times as fast."""
PINS = re.compile(r"""sha(256|384|512)['"]?[:=-]""")
"""A line that pins a file by its hash."""
MANIFESTS = ("identity/engines/packs/*.json", "tests/fixtures/vectors/*.json")
"""Files of such hashes, and messages with keys made for the tests: random numbers in hexadecimal are expected."""
ALLOWED = re.compile(r"pragma: allowlist secret - \w+")
SHORTEST = 20
"""Characters; a shorter random text is an example."""


def detectors() -> list[BasePlugin]:
    """The detectors of the library that tell a secret from a name, and ours."""
    classes: Iterable[type[BasePlugin]] = get_mapping_from_secret_type_to_class().values()
    library = [kind() for kind in classes if kind.__name__ not in NOISY and kind is not OurFormats]
    return [*library, OurFormats()]


def harmless(name: str, value: str, plugin: BasePlugin) -> bool:
    """Whether a text that only looks random is short, an alphabet (each sign once) or a hash of a manifest."""
    if isinstance(plugin, HexHighEntropyString) and any(fnmatch(name, one) for one in MANIFESTS):
        return True
    random = isinstance(plugin, (Base64HighEntropyString, HexHighEntropyString))
    return random and (len(value) < SHORTEST or len(set(value)) == len(value) >= 32)


def findings_in(name: str, text: str, plugins: list[BasePlugin]) -> Iterator[str]:
    """What a text holds that looks like a secret: "name:line: kind"."""
    for number, line in enumerate(text.splitlines(), 1):
        if not WORTH.search(line) or PINS.search(line) or ALLOWED.search(line):
            continue
        for plugin in plugins:
            for secret in plugin.analyze_line(name, line, number):
                if not harmless(name, secret.secret_value or "", plugin):
                    yield f"{name}:{number}: {secret.type}"


def files_in(folder: Path) -> list[str]:
    """The files below a folder that git tracks, and new ones that it does not ignore; outside a repository all but
    hidden ones and those that a run makes.

    Raises OSError when there is no such folder.
    """
    order = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(order, cwd=folder, capture_output=True, check=True).stdout  # noqa: S603 - fixed words
    except (subprocess.CalledProcessError, FileNotFoundError):
        return sorted(_walk(folder))
    return sorted({name.decode() for name in listed.split(b"\0") if name})


def _walk(folder: Path) -> Iterator[str]:
    for top in folder.iterdir():
        for path in [top] if top.is_file() else top.rglob("*"):
            name = path.relative_to(folder).as_posix()
            made = top.name.startswith(".") or "__pycache__" in name or name.startswith("data/state/")
            if path.is_file() and not made:
                yield name


def findings(folder: Path) -> list[str]:
    """All findings below a folder, each once; see `files_in` for errors."""
    plugins = detectors()
    found: dict[str, None] = {}
    for name in files_in(folder):
        base = name.rpartition("/")[2]
        if not fnmatch(name, FIXTURES) and any(fnmatch(base, pattern) for pattern in STATE):
            found[f"{name}: a file of an installation"] = None
        path = folder / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:  # else a picture or a database: its name decides
            found.update(dict.fromkeys(findings_in(name, content.decode("utf-8", errors="replace"), plugins)))
    return list(found)


def main() -> int:
    """Print what was found; 1 when there is something, or when the files cannot be listed."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    try:
        found = findings(folder)
    except OSError as error:
        sys.stderr.write(f"No list of files to search for secrets: {error}\n")
        return 1
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        sys.stderr.write("Take the secret out and replace it where it is used; a commit keeps it for ever.\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
