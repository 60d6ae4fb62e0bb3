"""The processes of an installation, for docs/architecture.md: who starts them, what they hold, what limits them.

What can be read from the code is read from it: a process is listed when its module exists, and numbers of limits
are those of the source. `check` finds what the layout says and the code does not do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SANDBOX = ("identity/sandbox/child.py", "identity/sandbox/connection.py")
"""Where the environment of a sandboxed process is defined, by release."""


class NotInTheCode(Exception):
    """Something that the layout says is not so in the code; the text says what."""


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of process. `needs` are words that `module` must contain: without them a limit here is not true."""

    name: str
    module: str
    started_by: str
    holds: str
    reaches: str
    limits: str
    ends: str
    needs: tuple[str, ...] = ()


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def constant(path: str, name: str) -> object:
    """The value of a constant of a module that is made of literals. Raises NotInTheCode."""
    for node in ast.walk(_tree(path)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and name in names:
            return _value(node.value, f"{path}: {name}")
    raise NotInTheCode(f"{path} defines no constant {name}")


def _value(node: ast.expr, name: str) -> object:
    """A literal, or a product or power of numbers."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Pow):
        left, right = _value(node.left, name), _value(node.right, name)
        if isinstance(left, int) and isinstance(right, int):
            return left**right if isinstance(node.op, ast.Pow) else left * right
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise NotInTheCode(f"{name} is not made of literals") from error


def megabytes(path: str, name: str) -> int:
    """A constant in bytes, as MiB. Raises NotInTheCode."""
    value = constant(path, name)
    if not isinstance(value, int):
        raise NotInTheCode(f"{path}: {name} is no number of bytes")
    return value // 2**20


def _sandbox() -> str:
    return next(path for path in SANDBOX if (ROOT / path).exists() and "PASSED_ENVIRONMENT" in _text(path))


def _text(path: str) -> str:
    return (ROOT / path).read_text()


def _size(path: str, name: str) -> int:
    value = constant(path, name)
    if not isinstance(value, dict | tuple):
        raise NotInTheCode(f"{path}: {name} is no list")
    return len(value)


def server() -> Iterator[Process]:
    """The processes of `usual serve` but the sandboxed ones."""
    yield Process(
        "first process",
        "plumbing/serving/server.py",
        "the operator: `usual serve`",
        "opens the state once to see that it can be opened, and closes it; then the locks of the home",
        "the port, which it opens for its worker processes",
        "no memory dumps (`RLIMIT_CORE` 0)",
        "Ctrl-C, SIGTERM",
        ("RLIMIT_CORE", "try_once"),
    )
    yield Process(
        "galleries of a start (from some 16,000 customers on)",
        "identity/matching/preloaded.py",
        "the first process, before it opens anything",
        "`master.key`, `identity-keys`, `identity.db`; galleries, in memory that the worker processes copy",
        "nothing",
        "as the first process",
        "itself, when all are opened",
        ("memfd_create",),
    )
    yield Process(
        "worker process (`--workers`)",
        "app.py",
        "the first process, again when one fails",
        "`token.key`, `master.key`, `identity-keys`, `recommender.key`, `replies.key`, `people.key`, all"
        " databases, the audit, `models/`; galleries in memory",
        "the port; `USUAL_RECOMMENDER_URL`, `USUAL_IDENTITY_URL` and `USUAL_VERSIONS` if set",
        "as the first process; sizes, times and lanes at the gate",
        "the first process",
        ("def wsgi",),
    )
    yield Process(
        "training process",
        "recommender/worker.py",
        "a worker process, one for each run",
        "`recommender.db`, `recommender.key`, `models/`; it opens no key of identity's",
        "`USUAL_VERSIONS` if set",
        "lower priority (`nice`, SCHED_BATCH), one thread for arithmetic, `USUAL_TRAINING_MEMORY`",
        "the worker process that began it",
        ("step_back", "OMP_NUM_THREADS"),
    )


def sandboxed() -> Iterator[Process]:
    """The processes that see pictures."""
    lockdown, home = "identity/sandbox/lockdown.py", _sandbox()
    environment = constant(home, "PASSED_ENVIRONMENT")
    if not isinstance(environment, tuple):
        raise NotInTheCode(f"{home}: PASSED_ENVIRONMENT is no list of names")
    names = ", ".join(f"`{name}`" for name in environment)
    walls = (
        "no new descriptor, no byte into a file, no process, no memory dump;"
        f" {_size(lockdown, 'PERMITTED')} system calls (seccomp)"
    )
    yield Process(
        "engine process (`USUAL_ENGINES` for each worker)",
        "identity/sandbox/process.py",
        "a worker process",
        "no key and no file after loading; two pipes, pixels in shared memory, read-only; of the environment "
        + names,
        "nothing",
        f"{walls}; {megabytes(lockdown, 'SPARE_BYTES')} MiB more than after loading;"
        " killed when an answer is late",
        "the worker process",
        ("lock_down", "die_with_parent"),
    )
    decoder, work = "identity/sandbox/decoder_process.py", "identity/sandbox/decoding.py"
    if (ROOT / decoder).exists():
        yield Process(
            "decoder (one for each worker: a keeper, and the copy of it that decodes)",
            decoder,
            "a worker process",
            "no key and no file after loading; two pipes, a picture's bytes in shared memory, read-only, and its"
            " pixels; of the environment the same",
            "nothing",
            f"the copy: {walls} and a timer; {megabytes(work, 'SPARE_BYTES')} MiB more than after loading,"
            f" {constant(work, 'PROCESSOR_S')} s of processor time for a picture",
            "the worker process; the copy also at a picture that takes too much",
            ("lock_down", "die_with_parent", "ITIMER_PROF"),
        )


def others() -> Iterator[Process]:
    """What an operator runs beside the server."""
    yield Process(
        "command (`usual keys`, `import`, `identity` ...)",
        "plumbing/cli.py",
        "the operator",
        "the files of its half for as long as it runs; `identity` commands the keys too",
        "nothing; `usual models fetch` the pack's addresses, `identity forget` `USUAL_RECOMMENDER_URL` if set",
        "-",
        "itself",
    )


def elsewhere() -> Iterator[Process]:
    """What runs on a kiosk's own computer, where no house is."""
    yield Process(
        "helper of a kiosk, with an engine process and a decoder of its own",
        "doorway/kiosk_helper/command.py",
        "the kiosk's operator: `usual edge kiosk`",
        "`device.json`: the device's key, and the one that it signs with; pictures of a press in memory",
        "127.0.0.1, on which it listens; its house",
        "no memory dumps; both processes as above",
        "Ctrl-C, SIGTERM",
        ("RLIMIT_CORE", 'HOST = "127.0.0.1"'),
    )


def processes() -> list[Process]:
    """All kinds of processes. Raises NotInTheCode."""
    found = [*server(), *sandboxed(), *others(), *elsewhere()]
    for process in found:
        check(process)
    return found


def check(process: Process) -> None:
    """Raises NotInTheCode when the module of a process is not there or lacks what the layout says of it."""
    if not (ROOT / process.module).exists():
        raise NotInTheCode(f"{process.module} of the process {process.name!r} does not exist")
    missing = [words for words in process.needs if words not in _text(process.module)]
    if missing:
        raise NotInTheCode(f"{process.module} of the process {process.name!r} has no {', '.join(missing)}")


PICTURE = """\
```mermaid
flowchart TB
  operator(("operator")) -- "usual serve" --> first["first process"]
  operator -- "usual ..." --> command["commands"]
  proxy["reverse proxy, TLS"] -- "HTTP, 127.0.0.1" --> worker
  subgraph one["one user, one state folder"]
    first --> worker["worker processes: gate, doorway, both halves"]
    worker --> training["training process"]
    worker --> keys[["token.key, master.key, identity-keys"]]
    worker --> data[("databases, audit, models")]
    training --> events[("recommender.db, models")]
    command --> data
    subgraph locked["locked down: no file, socket, process or key"]
      engine["engine processes: find and embed faces"]
{decoder}    end
    worker -- "pixels, shared memory" --> engine
{picture}  end
```"""


def render() -> Iterator[str]:
    """The section of the page. Raises NotInTheCode."""
    listed = processes()
    decodes = any("decoder" in process.module for process in listed)
    yield from ("", "## The processes", "")
    yield PICTURE.format(
        decoder='      decoder["decoder: bytes to pixels"]\n' if decodes else "",
        picture='    worker -- "bytes, shared memory" --> decoder\n' if decodes else "",
    )
    yield ""
    yield "All processes run as the user who owns the state folder; the walls around those that see pictures hold"
    yield "for root as well. Numbers are those of the code; `docs/threat-model.md` says what each wall is for."
    yield ""
    yield "| process | starts in | started by | holds | reaches in the network | limits | ends with |"
    yield "|---|---|---|---|---|---|---|"
    for process in listed:
        cells = (process.started_by, process.holds, process.reaches, process.limits, process.ends)
        yield f"| {process.name} | `{process.module}` | {' | '.join(cells)} |"
