"""Processes end with their parent; a home and a port have one server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plumbing.serving import process, server
from plumbing.serving.listener import CannotListen, listening
from plumbing.serving.process import ServerRunning, only_server
from tests.conftest import ROOT

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import os, sys, time
from plumbing.serving import process
{change}
process.die_with_parent(os.getppid())
print("ready", flush=True)
time.sleep(60)
"""
HOLDER = """
import sys, time
from pathlib import Path
from plumbing.serving.process import only_server
with only_server(Path(sys.argv[1]), ("identity",), "http://127.0.0.1:8000"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE_S", 0.05)


def soon(what: Callable[[], bool], patience_s: float = 3.0) -> bool:
    until = time.monotonic() + patience_s
    while time.monotonic() < until and not what():
        time.sleep(0.01)
    return what()


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("by", ["the kernel", "a thread"])
def test_a_child_ends_with_its_parent(by: str) -> None:
    child = CHILD.format(change="" if by == "the kernel" else "sys.platform = 'other'")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline() == "ready\n"
        parent.send_signal(signal.SIGKILL)

    assert soon(lambda: not is_alive(pid))


def test_a_child_whose_parent_has_ended_already_does_nothing() -> None:
    code = "from plumbing.serving.process import die_with_parent\ndie_with_parent(1)\nprint('went on')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_a_second_server_on_a_home_is_refused_and_the_first_one_named(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(ServerRunning) as caught, only_server(tmp_path, ("identity", "recommender"), "x"):
            pass
        assert f"process {first.pid}, since 20" in caught.value.detail
        assert "http://127.0.0.1:8000" in caught.value.detail
        with only_server(tmp_path, ("recommender",), "http://127.0.0.1:8001"):
            pass  # the other half may be served by another process
        first.kill()

    with only_server(tmp_path, ("identity", "recommender"), "http://127.0.0.1:8002"):
        about = json.loads((tmp_path / "server-identity.json").read_bytes())
        assert (about["process"], about["address"]) == (os.getpid(), "http://127.0.0.1:8002")
    assert not (tmp_path / "server-identity.json").exists()


def test_a_damaged_description_still_refuses(tmp_path: Path) -> None:
    with only_server(tmp_path, ("identity",), "x"):
        (tmp_path / "server-identity.json").write_bytes(b"\x00")
        with (
            pytest.raises(ServerRunning, match="its process is not known"),
            only_server(tmp_path, ("identity",), ""),
        ):
            pass


def test_a_port_that_another_program_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):
            with pytest.raises(ServerRunning, match=f"port {port}"), listening(host, port, patience_s=0):
                pass


def test_nobody_else_listens_where_a_server_does_and_ended_connections_keep_nobody_out() -> None:
    with listening("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        with pytest.raises(ServerRunning), listening("127.0.0.1", port, patience_s=0):
            pass
        with socket.create_connection(("127.0.0.1", port)) as caller:
            accepted, _ = one.accept()
            accepted.close()  # this side closes first: the port keeps the ended connection for a minute
            assert caller.recv(1) == b""
    with listening("127.0.0.1", port):
        pass


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_that_is_none_of_this_machine_is_one_sentence(host: str) -> None:
    with pytest.raises(CannotListen, match="--host"), listening(host, 0):
        pass


def test_a_successor_has_the_socket_and_the_locks_at_once(tmp_path: Path) -> None:
    """And the server before neither releases a lock nor removes the description when it ends."""
    described = tmp_path / "server-identity.json"
    with only_server(tmp_path, ("identity",), "x") as locks, listening("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        handed = {name: os.dup(number) for name, number in {**locks, "listener": one.fileno()}.items()}
        described.write_text('{"process": 1}')
    with socket.create_connection(("127.0.0.1", port)), listening("", 0, handed["listener"]) as two:
        two.accept()[0].close()
    assert described.exists(), "it is the one of the successor"
    with (
        only_server(tmp_path, ("identity",), "y", handed),
        pytest.raises(ServerRunning),
        only_server(tmp_path, ("identity",), "z"),
    ):
        pass
    with only_server(tmp_path, ("identity",), "z"):
        pass


def test_where_a_server_is_is_said_when_it_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "PARTING_S", 0.0)
    said: list[str] = []

    def is_said() -> bool:
        said.append(capsys.readouterr().out)
        return bool("".join(said))

    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
        server.announce_when_it_answers("127.0.0.1", port)
        for status in ("503 Service Unavailable", "200 OK"):
            assert not is_said()
            asked, _ = place.accept()
            asked.recv(1_000)
            asked.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            asked.close()
        assert soon(is_said)
    assert "".join(said) == f"Usual answers on http://127.0.0.1:{port}; stop it with Ctrl-C.\n"
