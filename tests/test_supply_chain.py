"""What is installed, what is known about it, and that no secret is in a file of the project."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.conftest import ROOT

LOCKS = ROOT / "locks"
LOCK_NAMES = ("runtime.txt", "dev.txt", "build.txt", "notebooks.txt", "advisories.txt")
LEFT_OUT = ("requests", "certifi", "charset-normalizer", "idna", "urllib3", "hatchling", "tomlkit", "pathspec")


def pins(name: str) -> set[tuple[str, str]]:
    """The packages of a lock file with their versions."""
    return set(re.findall(r"^([\w.-]+)==([^\s\\]+)", (LOCKS / name).read_text(), re.MULTILINE))


# What is installed


def test_the_runtime_lock_holds_nothing_that_only_downloads_or_builds() -> None:
    assert {name for name, _ in pins("runtime.txt")} & set(LEFT_OUT) == set()
    assert "hatchling" in {name for name, _ in pins("build.txt")}


@pytest.mark.parametrize("name", LOCK_NAMES)
def test_every_lock_has_hashes_and_no_address(name: str) -> None:
    text = (LOCKS / name).read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_what_is_tested_is_what_is_served() -> None:
    assert pins("runtime.txt") <= pins("dev.txt")


SERVED = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
import app, identity, lightfm
from recommender import Orders

app.assemble().list_commands(None)
visits = {"customer": ["ann", "ann", "ann", "bob", "bob"], "item": ["tea", "tea", "pie", "soup", "soup"]}
print(len(Orders().fit(visits).suggest(visits, customer="ann", n=2).suggestions))
"""


def test_commands_and_training_work_without_what_is_left_out() -> None:
    absent = ",".join(name.replace("-", "_") for name in LEFT_OUT)
    done = subprocess.run(
        [sys.executable, "-c", SERVED, absent], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "2\n"


def test_a_serving_process_loads_no_pickling_library() -> None:
    """cloudpickle comes with scikit-learn, which `usual evaluate` compares with; obstore waits for its setting."""
    words = """
import sys, app
from importlib import import_module
for half in (*app.MODULES.values(), app.JOINING):
    for module in half:
        import_module(module)
loaded = {name for name, module in sys.modules.items() if module}
print(sorted({"cloudpickle", "joblib", "sklearn", "requests", "obstore"} & loaded))
"""
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


# What is known about it


STUB = """\
#!{python}
import json, sys
names = [line.strip().split("==") for line in open(sys.argv[sys.argv.index("-r") + 1])]
control = names == [["jinja2", "2.4.1"]]
vulnerable = {{"id": "PYSEC-0", "fix_versions": ["9"], "aliases": []}}
def answer(vulns):
    return [{{"name": name, "version": version, "vulns": vulns}} for name, version in names]
def skipped(some):
    return [{{"name": name, "skip_reason": "Dependency not found"}} for name, _ in some]
{body}
print(json.dumps({{"dependencies": dependencies, "fixes": []}}))
sys.exit(status)
"""
STATUS = "dependencies = answer([vulnerable] if control else {vulns}); status = int({vulns} != [] or control)"
GOOD = STATUS.format(vulns="[]")


def advisories(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """scripts/advisories.py with a program in place of pip-audit."""
    stub = folder / "pip-audit"
    stub.write_text(STUB.format(python=sys.executable, body=textwrap.dedent(body)))
    stub.chmod(0o700)
    order = [sys.executable, str(ROOT / "scripts" / "advisories.py"), "--program", str(stub)]
    return subprocess.run(order, capture_output=True, text=True, check=False)


def test_everything_audited_and_nothing_known_is_success(tmp_path: Path) -> None:
    done = advisories(tmp_path, GOOD)
    every = set().union(*map(pins, LOCK_NAMES))

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{len(every)} packages audited, 0 known vulnerabilities\n"


def test_a_known_vulnerability_is_named_and_fails(tmp_path: Path) -> None:
    done = advisories(tmp_path, STATUS.format(vulns="[vulnerable]"))

    assert done.returncode == 1
    assert re.search(r"^flask \S+: PYSEC-0 \(fixed in: 9\)$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("dependencies = skipped(names); status = 0", "packages were not audited"),
        ("dependencies = []; status = 0", "packages were not audited"),
        (GOOD + "; dependencies = dependencies[1:] + skipped(names[:1])", "Dependency not found"),
        ("dependencies = answer([]); status = 0", "the data was not reached"),
        ("sys.exit('connection refused')", "connection refused"),
        ("print('No known vulnerabilities found'); sys.exit(0)", "gave no answer"),
        ("print('[]'); sys.exit(0)", "gave no answer"),
        ('print(\'{"dependencies": [{"name": "flask"}]}\'); sys.exit(0)', "gave no answer"),
    ],
    ids=["all skipped", "empty", "one skipped", "no data", "unreachable", "words", "list", "no verdict"],
)
def test_what_was_not_audited_fails_and_says_why(tmp_path: Path, body: str, words: str) -> None:
    done = advisories(tmp_path, body)

    assert done.returncode == 1
    assert "NOT AUDITED" in done.stderr
    assert words in done.stderr


def test_what_is_known_is_shown_even_when_another_package_was_skipped(tmp_path: Path) -> None:
    done = advisories(tmp_path, "dependencies = answer([vulnerable])[1:] + skipped(names[:1]); status = 1")

    assert done.returncode == 1
    assert "PYSEC-0" in done.stdout
    assert "NOT AUDITED" in done.stderr


# No secret in a file


def private_key() -> str:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PLANTED: dict[str, Callable[[], str]] = {
    "an API key": lambda: f'KEY = "usual-k1-{secrets.token_urlsafe(32)}"',
    "an API key in a text": lambda: f"curl -H X-API-Key:usual-k1-{secrets.token_urlsafe(32)} there",
    "a Fernet key": lambda: Fernet.generate_key().decode(),
    "a token": lambda: f"bearer {Fernet(Fernet.generate_key()).encrypt(b'somebody').decode()}",
    "a private key": private_key,
    "an AWS key": lambda: 'aws = "AKIA' + "ABCDEFGHIJKLMNOP"[::-1].replace("P", "7") + '"',
    "32 random bytes": lambda: f'secret = "{secrets.token_hex(32)}"',
    "a password in an address": lambda: "postgres://usual:" + secrets.token_hex(6) + "@database/usual",
}


def scan(folder: Path) -> subprocess.CompletedProcess[str]:
    """scripts/scan_secrets.py over a repository."""
    order = [sys.executable, str(ROOT / "scripts" / "scan_secrets.py"), str(folder)]
    return subprocess.run(order, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one planted secret in each file, and files with none."""
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for number, plant in enumerate(PLANTED.values()):
        (folder / f"planted{number}.py").write_text(f"# a line\n{plant()}\n")
    (folder / "token.key").write_text("short")
    (folder / "access.db").write_bytes(b"SQLite format 3\0")
    reason = "  # pragma: allowlist secret - made for this test"
    (folder / "allowed.py").write_text(f'KEY = "usual-k1-{secrets.token_urlsafe(32)}"{reason}\n')
    (folder / "silent.py").write_text(
        f'KEY = "usual-k1-{secrets.token_urlsafe(32)}"  # pragma: allowlist secret\n'
    )
    (folder / "clean.py").write_text("def test_a_name_that_is_long_enough_to_look_random_1() -> None: ...\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    (folder / "ignored.py").write_text(next(iter(PLANTED.values()))())
    return folder


def test_every_planted_secret_is_found_and_not_shown(repository: Path) -> None:
    done = scan(repository)
    named = {line.partition(":")[0] for line in done.stderr.splitlines()[:-1]}

    assert done.returncode == 1
    planted = {f"planted{number}.py" for number in range(len(PLANTED))}
    assert named == planted | {"token.key", "access.db", "silent.py"}
    assert "usual-k1-" not in done.stdout + done.stderr


def test_no_file_of_the_project_holds_a_secret() -> None:
    done = scan(ROOT)

    assert done.returncode == 0, done.stderr


def test_without_git_every_file_is_searched(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "planted.py").write_text(PLANTED["an API key"]())

    assert scan(tmp_path).stderr.startswith("deep/planted.py:1: ")


def test_a_folder_that_cannot_be_listed_is_no_success(tmp_path: Path) -> None:
    assert scan(tmp_path / "nowhere").returncode == 1


def test_make_check_looks_for_secrets() -> None:
    check = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]

    assert "scripts/scan_secrets.py" in check
