"""Three replicas of `usual serve` and nginx in front of them, on this machine, until Ctrl-C.

State is in the PostgreSQL that USUAL_DATABASE names. Each replica has a folder of its own for what is not shared,
and the same secrets in it. README.md beside this file says what changes on real machines.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent / "nginx"  # what does not depend on how many servers there are
PROGRAM = (sys.executable, "-c", "from app import main; main()")
READY_S = 120.0
LOOK_S = 1.0
STOP_S = 15.0
AGAIN_S = 2.0  # before a replica that ended is started again


class CannotStart(Exception):
    """One sentence that says what to do."""


@dataclass
class Replica:
    """One `usual serve` with its folder and port."""

    number: int
    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    said: str = ""
    ended_at: float = field(default=0.0)

    @property
    def name(self) -> str:
        return f"replica {self.number}"

    def start(self, workers: int, environment: Mapping[str, str]) -> None:
        """Begin to serve; output goes to the log in its folder."""
        command = [
            *PROGRAM,
            "serve",
            "--init",
            "--home",
            str(self.home),
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        with (self.home / "replica.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", str(workers)],
                cwd=HERE.parents[1],
                env=dict(environment) | {"USUAL_HOME": str(self.home), "USUAL_TRUSTED_PROXIES": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C comes to us, and we stop it
            )

    def ready(self) -> bool:
        """Whether /health/ready answers 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def tail(self) -> str:
        """The last lines of its log."""
        log = self.home / "replica.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""


# --- before anything is started ----------------------------------------------------------------------


def check(environment: Mapping[str, str], *, apart: bool) -> None:
    """What has to be there. Raises CannotStart."""
    if shutil.which("nginx") is None:
        raise CannotStart("nginx is not installed; on Debian: apt-get install nginx-light")
    database = environment.get("USUAL_DATABASE", "")
    if database and not apart and not environment.get("USUAL_KEYS_DATABASE"):
        raise CannotStart(
            "Set USUAL_KEYS_DATABASE, too: replicas share the keys of customers there, and no backup of"
            " USUAL_DATABASE has them."
        )
    if not apart and not database.startswith(("postgresql://", "postgres://")):
        raise CannotStart(
            "Set USUAL_DATABASE to the PostgreSQL that the replicas share (postgresql://...);"
            " --apart tries the proxy without one, each replica for itself."
        )


def homes(folder: Path, replicas: int, first_port: int) -> list[Replica]:
    """A private folder for each replica."""
    made = []
    for number in range(1, replicas + 1):
        home = folder / f"replica-{number}"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.append(Replica(number, home, first_port + number - 1))
    return made


def share_secrets(first: Path, others: Sequence[Path]) -> list[str]:
    """Give the others the keys of the first (`*.key`); the names of what was copied.

    Raises CannotStart: one has another key. Nothing is overwritten.
    """
    copied = []
    for key in sorted(first.glob("*.key")):
        for home in others:
            theirs = home / key.name
            if not theirs.exists():
                draft = theirs.with_name(f".{key.name}.new")
                with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                    file.write(key.read_bytes())
                draft.replace(theirs)
                copied.append(f"{home.name}/{key.name}")
            elif theirs.read_bytes() != key.read_bytes():
                raise CannotStart(
                    f"{theirs} differs from {key}: these are replicas of two installations. Use another --home."
                )
    return copied


def configuration(replicas: Sequence[Replica], run: Path, listen: str) -> str:
    """The configuration of nginx for these replicas."""
    lines = [f"        server 127.0.0.1:{one.port} max_fails=2 fail_timeout=2s;" for one in replicas]
    text = (HERE / "nginx.conf").read_text()
    values = {"RUN": str(run), "SHARED": str(SHARED), "LISTEN": listen, "UPSTREAMS": "\n".join(lines)}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


# --- running -----------------------------------------------------------------------------------------


def wait_ready(replicas: Sequence[Replica], patience_s: float = READY_S) -> None:
    """Until all are ready. Raises CannotStart: one ended, or is not ready in time."""
    until = time.monotonic() + patience_s
    for one in replicas:
        while not one.ready():
            ended = one.process is not None and one.process.poll() is not None
            if ended or time.monotonic() > until:
                what = "ended" if ended else f"was not ready after {patience_s:.0f} s"
                raise CannotStart(f"{one.name} {what}; its log is {one.home / 'replica.log'}.\n{one.tail()}")
            time.sleep(0.2)
        one.said = "ready"


@contextlib.contextmanager
def stopped_at_the_end(replicas: Sequence[Replica], nginx: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """However the block ends: nginx finishes what it began, then the replicas do; who does not is killed."""
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C leaves nothing behind either
        for process in nginx:
            _stop([process], signal.SIGQUIT)
        _stop([one.process for one in replicas if one.process is not None], signal.SIGTERM)


def _stop(processes: Sequence[subprocess.Popen[bytes]], number: signal.Signals) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)
    until = time.monotonic() + STOP_S
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def watch(
    replicas: Sequence[Replica], nginx: subprocess.Popen[bytes], workers: int, environment: Mapping[str, str]
) -> int:
    """Say when a replica comes or goes, and start one again that ended; the status of nginx when it ends."""
    while nginx.poll() is None:
        for one in replicas:
            if one.process is not None and one.process.poll() is not None:
                one.process, one.ended_at = None, time.monotonic()
                _say(one, f"ended; it is started again in {AGAIN_S:.0f} s")
            elif one.process is None and time.monotonic() - one.ended_at >= AGAIN_S:
                one.start(workers, environment)
                _say(one, "started")
            elif one.process is not None:
                _say(one, "ready" if one.ready() else "not ready")
        time.sleep(LOOK_S)
    return nginx.returncode


def _say(one: Replica, what: str) -> None:
    if what != one.said:
        one.said = what
        print(f"{one.name}: {what}", flush=True)


def serve(options: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Everything, until nginx ends or Ctrl-C."""
    check(environment, apart=options.apart)
    folder = options.home.resolve()
    if not options.apart and not environment.get("USUAL_VERSIONS"):  # on one machine a folder will do
        (folder / "versions").mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = dict(environment) | {"USUAL_VERSIONS": (folder / "versions").as_uri()}
    replicas, run = homes(folder, options.replicas, options.first_port), folder / "nginx"
    nginx: list[subprocess.Popen[bytes]] = []
    run.mkdir(mode=0o700, exist_ok=True)
    file = run / "nginx.conf"
    file.write_text(configuration(replicas, run, options.listen))
    with stopped_at_the_end(replicas, nginx):
        print(f"starting {len(replicas)} replicas under {folder} ...", flush=True)
        replicas[0].start(options.workers, environment)
        wait_ready(replicas[:1])  # it makes the secrets, or reads those that are there
        share_secrets(replicas[0].home, [one.home for one in replicas[1:]])
        for one in replicas[1:]:
            one.start(options.workers, environment)
        wait_ready(replicas)
        tried = subprocess.run(["nginx", "-t", "-q", "-c", str(file)], capture_output=True, text=True, check=False)
        if tried.returncode:
            raise CannotStart(f"nginx refuses {file}: {tried.stderr.strip()}")
        nginx.append(subprocess.Popen(["nginx", "-c", str(file)], start_new_session=True))
        print(f"nginx listens on {options.listen}; stop everything with Ctrl-C.", flush=True)
        return watch(replicas, nginx[0], options.workers, environment)


def main() -> int:
    """The command."""
    reader = argparse.ArgumentParser(prog="deploy/replicas/start", description=__doc__)
    home = Path("data/state/replicas")
    reader.add_argument("--home", type=Path, default=home, help="folder of the replicas' folders")
    reader.add_argument("--replicas", type=int, default=3, choices=range(1, 17), metavar="N")
    reader.add_argument("--workers", type=int, default=1, help="processes of each replica")
    reader.add_argument("--listen", default="127.0.0.1:8080", help="where nginx listens")
    reader.add_argument("--first-port", type=int, default=8101, help="port of the first; the others follow")
    reader.add_argument("--apart", action="store_true", help="without PostgreSQL: replicas that share nothing")
    options = reader.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        return serve(options, os.environ)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
