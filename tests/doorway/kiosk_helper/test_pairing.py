"""Pairing the helper, what its folder holds, and one sentence for each thing that is wrong."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from app import create_app
from doorway.kiosk_helper.command import kiosk
from doorway.kiosk_helper.errors import (
    HelperError,
    HelperFileUnusable,
    HelperNotPaired,
    HouseAddressRefused,
    HouseAway,
)
from doorway.kiosk_helper.folder import FILE, Device, KioskFolder
from doorway.kiosk_helper.house import House, parts_of_link
from doorway.kiosk_helper.line import Line, address_of
from doorway.kiosk_helper.looks import Looks
from doorway.kiosk_helper.native import Native, NoSandbox
from doorway.kiosk_helper.running import Running
from doorway.kiosk_helper.web import create_kiosk
from identity.device_vectors.sealing import public_key_of
from identity.sandbox.connection import Launch
from plumbing.access import cookies
from plumbing.access.access import Access
from plumbing.clock import system_clock
from plumbing.settings import Config
from tests.doorway.kiosk_helper.helped import OWN, PORT, SERVER, InProcess

SIGNING = generate_private_key(SECP256R1())


@dataclass
class Unpaired:
    """A house, and a kiosk that it does not know yet."""

    home: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        app = create_app(Config(home=self.home / "house", only="recommender"), now_us=system_clock)
        self.access: Access = app.extensions["usual"]["access"]
        self.line = InProcess(app.test_client(use_cookies=False))
        self.folder = KioskFolder(self.home / "kiosk")
        self.house = House(self.folder, self.said.append, send=self.line)


@pytest.fixture
def unpaired(tmp_path: Path) -> Unpaired:
    return Unpaired(tmp_path)


def test_a_code_makes_this_kiosk_a_device_with_two_keys(unpaired: Unpaired) -> None:
    code = unpaired.access.create_pairing("mill", "kiosk", device="front")
    device = unpaired.house.pair(SERVER, code)
    unpaired.access.modes.choose("mill", "front", "vectors")
    answer = unpaired.house.ask("GET", "/v1/screen")

    assert (device.server, device.page, answer.status) == (SERVER, "kiosk", 200)
    assert unpaired.access.modes.of("mill", "front").public_key == public_key_of(device.signing)
    kept = KioskFolder(unpaired.folder.path).device()
    assert (kept.key, public_key_of(kept.signing)) == (device.key, public_key_of(device.signing))
    assert device.key not in repr(device)


def test_a_screen_that_lost_its_place_is_paired_again_at_the_page(unpaired: Unpaired) -> None:
    unpaired.house.pair(SERVER, unpaired.access.create_pairing("mill", "kiosk", device="front"))
    first = unpaired.house.device
    code = unpaired.access.create_pairing("mill", "kiosk", device="front", replace=True)
    page = create_kiosk(unpaired.house, Looks(None), PORT).test_client()

    def pair(code: str) -> Any:
        return page.post("/v1/pairings", json={"code": code}, base_url=OWN, headers={"Origin": OWN})

    assert pair("wrong").get_json()["code"] == "kiosk_helper"
    assert unpaired.house.device == first
    assert pair(code).get_json() == {"page": "kiosk"}
    assert unpaired.house.device.key != first.key
    assert public_key_of(unpaired.house.device.signing) != public_key_of(first.signing)
    assert unpaired.house.ask("GET", "/v1/screen").status == 200


@pytest.mark.parametrize("page", ["driver", "own"])
def test_a_code_for_another_page_is_named(unpaired: Unpaired, page: str) -> None:
    unpaired.house.pair(SERVER, unpaired.access.create_pairing("mill", "taxi", device="cab"))
    code = unpaired.access.create_pairing("mill", page, device="other", taxi="cab")

    with pytest.raises(HelperError, match=f"the page '{page}'"):
        unpaired.house.pair(SERVER, code)
    assert unpaired.house.device.page == "taxi"


def test_a_code_of_another_tenant_makes_another_device_and_nothing_of_the_first_goes_there(
    unpaired: Unpaired,
) -> None:
    """Who types it at the screen takes the kiosk over: neither tenant gets anything of the other."""
    first = unpaired.house.pair(SERVER, unpaired.access.create_pairing("mill", "kiosk", device="front"))
    code = unpaired.access.create_pairing("bakery", "kiosk", device="front")
    page = create_kiosk(unpaired.house, Looks(None), PORT).test_client()
    heard = len(unpaired.line.heard)
    reply = page.post("/v1/pairings", json={"code": code}, base_url=OWN, headers={"Origin": OWN})
    second = unpaired.house.device
    unpaired.house.ask("GET", "/v1/screen")

    assert reply.status_code == 200
    assert second.key != first.key
    assert public_key_of(second.signing) != public_key_of(first.signing)
    sent = repr(unpaired.line.headers[heard:]).encode() + b"".join(unpaired.line.heard[heard:])
    assert first.key.encode() not in sent
    assert (
        unpaired.access.modes.of("bakery", "front").public_key == b""
    )  # pictures, until its operator says vectors
    assert KioskFolder(unpaired.folder.path).device().key == second.key


def test_the_key_of_a_pairing_is_read_over_tls_and_without() -> None:
    over_tls = ["usual_kiosk=; Max-Age=0; Path=/", "__Host-usual_kiosk=the-key; Secure; HttpOnly; Path=/"]

    assert cookies.as_received("kiosk", over_tls) == "the-key"
    assert cookies.as_received("kiosk", ["usual_kiosk=the-key; HttpOnly"]) == "the-key"
    assert cookies.as_received("kiosk", ["usual_taxi=the-key", "a b=;=", ""]) == ""


def test_a_code_or_its_whole_link_is_taken() -> None:
    assert parts_of_link(" CODE ") == ("", "CODE")
    assert parts_of_link("https://usual.example/kiosk#pair=CODE") == (SERVER, "CODE")
    assert parts_of_link("https://usual.example/watch?page=kiosk#pair=CODE&kiosk=on") == (SERVER, "CODE")


def test_a_house_is_reached_with_tls_alone() -> None:
    good = ["https://usual.example", "https://usual.example:8443/", "http://127.0.0.1:8000", "http://[::1]:8000"]
    bad = [
        "http://usual.example",
        "usual.example",
        "ftp://usual.example",
        "https://",
        "https://usual.example:99999",
    ]

    assert [address_of(one) for one in good] == [one.rstrip("/") for one in good]
    assert address_of("https://user@usual.example") == SERVER
    for one in bad:
        with pytest.raises(HouseAddressRefused, match="https://HOST"):
            address_of(one)


WRONG = {
    "no json": (b"{", "damaged"),
    "another kind": (b"[]", "damaged"),
    "no key": (json.dumps({"version": 1, "server": SERVER, "page": "kiosk"}).encode(), "damaged"),
    "newer": (json.dumps({"version": 2}).encode(), "another release"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    content, sentence = WRONG[name]
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)

    with pytest.raises(HelperFileUnusable, match=sentence):
        KioskFolder(tmp_path).device()


def test_a_file_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    folder = KioskFolder(tmp_path)
    with pytest.raises(HelperNotPaired, match="usual keys pair"):
        folder.device()
    folder.keep(Device(SERVER, "kiosk", "key", SIGNING))
    assert folder.device().key == "key"
    (tmp_path / FILE).chmod(0o640)

    with pytest.raises(HelperFileUnusable, match="Other users can read"):
        folder.device()


@pytest.mark.parametrize("taken", ["home", "home/device.json"])
def test_a_code_is_not_used_up_where_its_keys_cannot_be_kept(unpaired: Unpaired, taken: str) -> None:
    home = unpaired.home / "home"
    if taken == "home":
        home.write_text("a file")
    else:
        (unpaired.home / taken).mkdir(parents=True)
    house = House(KioskFolder(home), unpaired.said.append, send=unpaired.line)
    code = unpaired.access.create_pairing("mill", "kiosk", device="front")

    with pytest.raises(HelperFileUnusable, match="cannot take a file"):
        house.pair(SERVER, code)
    with pytest.raises(HelperFileUnusable, match="cannot be read"):
        _ = house.device
    assert unpaired.line.heard == []
    assert unpaired.house.pair(SERVER, code).page == "kiosk"


# --- the line


def test_a_house_that_does_not_answer_is_away_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(HouseAway, match=r"does not answer: .*refused"):
        Line(f"http://127.0.0.1:{port}").send("GET", "/health/live", {}, None, 2.0)


def test_what_answers_without_tls_gets_nothing_of_this_device() -> None:
    heard: list[bytes] = []

    def answer() -> None:
        with plain.accept()[0] as one:
            heard.append(one.recv(4096))
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(HouseAway, match="speaks no TLS: is it another port, or an http:// address"):
            Line(f"https://127.0.0.1:{plain.getsockname()[1]}").send("GET", "/", {"Cookie": "the-key"}, None, 2.0)
        thread.join()
    assert b"the-key" not in heard[0]


def test_a_house_that_speaks_tls_at_an_http_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr("http.client.HTTPConnection.request", closed)
    with pytest.raises(HouseAway, match=r"does that port speak TLS \(https://\)"):
        Line("http://127.0.0.1:8443").send("GET", "/", {}, None)


def test_a_helper_that_is_killed_before_it_kept_its_keys_is_what_it_was_before(
    unpaired: Unpaired, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The house has answered, the file is not written: the code is used up, nothing else is lost."""
    earlier = unpaired.house.pair(SERVER, unpaired.access.create_pairing("mill", "kiosk", device="back"))
    kept = (unpaired.folder.path / FILE).read_bytes()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    code = unpaired.access.create_pairing("mill", "kiosk", device="front")
    with monkeypatch.context() as patch:
        patch.setattr("doorway.kiosk_helper.folder.write_atomic", killed)
        with pytest.raises(KeyboardInterrupt):
            unpaired.house.pair(SERVER, code)
    assert [path.read_bytes() for path in unpaired.folder.path.iterdir()] == [kept]
    again = House(KioskFolder(unpaired.folder.path), unpaired.said.append, send=unpaired.line)
    assert again.device.key == earlier.key
    with pytest.raises(HelperError, match="used already"):
        again.pair(SERVER, code)
    assert again.ask("GET", "/v1/screen").status == 200
    again.pair(SERVER, unpaired.access.create_pairing("mill", "kiosk", device="front", replace=True))
    assert len([row for row in unpaired.access.keys("mill") if row["device"] == "front"]) == 1


def test_a_connection_stays_open_and_is_opened_again_when_the_house_has_closed_it() -> None:
    """The second request goes over the first connection, which ends meanwhile: nobody notices."""
    lines: list[int] = []

    def answer() -> None:
        for number in range(2):
            with house.accept()[0] as one:
                for _ in range(2 - number):
                    one.recv(4096)
                    lines.append(number)
                    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with socket.create_server(("127.0.0.1", 0)) as house:
        thread = threading.Thread(target=answer)
        thread.start()
        line = Line(f"http://127.0.0.1:{house.getsockname()[1]}")
        for _ in range(2):
            assert line.send("GET", "/", {}, None, 2.0).body == b"ok"
        assert line.send("GET", "/", {}, None, 2.0).body == b"ok"
        thread.join()
        line.close()
    assert lines == [0, 0, 1]


@pytest.mark.parametrize(("code", "ends"), [(9, "clock right?."), (18, "issuer.")])
def test_a_certificate_that_does_not_hold_names_the_clock_where_it_may_be_that(
    monkeypatch: pytest.MonkeyPatch, code: int, ends: str
) -> None:
    error = ssl.SSLCertVerificationError("refused")
    error.verify_code, error.verify_message = code, "not valid" if code == 9 else "unknown issuer"
    line = Line(SERVER)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("http.client.HTTPSConnection.request", refuse)
    with pytest.raises(HouseAway) as refused:
        line.send("GET", "/", {}, None)
    assert refused.value.code == "house_not_trusted"
    assert refused.value.detail.endswith(ends)


# --- the command


def run(tmp_path: Path, *words: str) -> Any:
    return CliRunner().invoke(kiosk, ["--home", str(tmp_path / "kiosk"), *words])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def test_the_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    port, away = str(free_port()), f"http://127.0.0.1:{free_port()}"
    said = {
        "not paired": run(tmp_path, "--port", port),
        "no address": run(tmp_path, "--port", port, "--server", "http://usual.example", "--pair", "CODE"),
        "only a code": run(tmp_path, "--port", port, "--pair", "CODE"),
        "away": run(tmp_path, "--port", port, "--server", away, "--pair", "CODE"),
    }
    KioskFolder(tmp_path / "kiosk").keep(Device(away, "kiosk", "key", SIGNING))
    said["another house"] = run(tmp_path, "--port", port, "--server", SERVER)
    said["no pack"] = run(tmp_path, "--port", port, "--pack", "dlob")

    assert {name: result.exit_code for name, result in said.items()} == dict.fromkeys(said, 1)
    lines = {name: result.output.strip() for name, result in said.items()}
    assert all(line.startswith("Error: ") and "\n" not in line for line in lines.values()), lines
    assert "usual keys pair" in lines["not paired"]
    assert "add --server URL" in lines["only a code"]
    assert "https://HOST" in lines["no address"]
    assert "does not answer" in lines["away"]
    assert "paired with http://127.0.0.1" in lines["another house"]
    assert "dlob" in lines["no pack"]


def test_a_port_that_is_taken_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbing.serving.listener.PATIENCE_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run(tmp_path, "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 1
    assert "Another program listens on 127.0.0.1" in result.output


def test_no_sandbox_or_no_pack_means_guests_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    KioskFolder(tmp_path).keep(Device(f"http://127.0.0.1:{free_port()}", "kiosk", "key", SIGNING))

    def refuse(_: Native) -> None:
        raise NoSandbox

    monkeypatch.setattr(Native, "__init__", lambda *_: None)
    monkeypatch.setattr(Native, "close", lambda *_: None)
    monkeypatch.setattr(Native, "start", refuse)
    running = Running(tmp_path, Config(home=tmp_path), said.append)
    app = running.opened(PORT)
    running.close()
    monkeypatch.undo()
    missing = Running(
        tmp_path, Config(home=tmp_path, pack="open-model-zoo", models=tmp_path / "none"), said.append
    )
    missing.opened(PORT)
    missing.close()

    assert app.test_client().get("/kiosk", base_url=OWN).status_code == 200
    no_sandbox, away, no_pack, _ = said
    assert "seccomp" in no_sandbox
    assert "does not answer" in away
    assert no_pack.startswith("Nobody is recognised here: ")


def test_one_helper_works_with_a_folder(tmp_path: Path) -> None:
    """A second one would be the same device to the house; a code would take the first one's keys."""
    KioskFolder(tmp_path).keep(Device(f"http://127.0.0.1:{free_port()}", "kiosk", "key", SIGNING))
    first, config = KioskFolder(tmp_path), Config(home=tmp_path)
    first.hold()
    second = Running(tmp_path, config, lambda _: None)
    with pytest.raises(HelperFileUnusable, match="Another helper works with"):
        second.pair("http://127.0.0.1:1", "ABCD-EFGH-IJKL")
    with pytest.raises(HelperFileUnusable, match="--home FOLDER"):
        second.opened(PORT)
    first.let_go()
    second.close()
    KioskFolder(tmp_path).hold()


def test_what_is_missing_for_pairing_is_said(tmp_path: Path) -> None:
    running = Running(tmp_path / "none", Config(home=tmp_path), lambda _: None)
    with pytest.raises(HelperNotPaired, match="add --server URL"):
        running.pair(None, "ABCD-EFGH-IJKL")
    with pytest.raises(HelperNotPaired, match=f"No kiosk is paired in the folder {tmp_path}/none"):
        running.pair(None, None)


def test_walls_that_are_not_there_end_the_engine(tmp_path: Path) -> None:
    class Fenced:
        walls: tuple[str, ...] = ("limits",)
        ended = False

        def start(self) -> None:
            pass

        def close(self) -> None:
            self.ended = True

    native = Native.__new__(Native)
    native.engine, native.decoder = Fenced(), Fenced()  # type: ignore[assignment]
    with pytest.raises(NoSandbox):
        native.start()
    assert native.engine.ended  # type: ignore[attr-defined]
    assert Launch("dlib", None, tmp_path).pack == "dlib"
