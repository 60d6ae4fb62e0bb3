"""Devices that send vectors, over HTTP: pairing with a key, the mode, every route that takes a message."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from app import create_app
from identity.device_vectors.message import Purpose
from identity.device_vectors.sealing import public_key_of
from identity.web.routes import RECOGNITION_BYTES
from plumbing.access.access import Access
from plumbing.access.errors import DeviceKeyInvalid, DeviceKeySet
from plumbing.keys_cli import keys as keys_command
from plumbing.settings import Config
from tests.conftest import ROOT
from tests.identity.halves import Kiosk, World, b64, pictures
from tests.identity.vector_devices import VectorDevice, sights
from tests.identity.vector_devices import b64 as sent_as
from tests.journey import Clock

P256 = generate_private_key(SECP256R1())
OTHER = generate_private_key(SECP256R1())


def text(key: Any = P256) -> str:
    return base64.urlsafe_b64encode(public_key_of(key)).rstrip(b"=").decode()


@pytest.fixture
def device(world: World) -> VectorDevice:
    return VectorDevice(world)


@pytest.fixture
def kiosk(device: VectorDevice) -> Kiosk:
    return Kiosk(device.world.client(), device.api_key)


def sealed(kiosk: Kiosk, device: VectorDevice, person: int, count: int, purpose: Purpose) -> dict[str, Any]:
    """A press, and the body of what follows, made of what the reply to the press says alone."""
    said = kiosk.send("POST", "/presses", {}).get_json()
    seal = said["seal"]
    message = device.message(
        said["nonce"],
        sights(person, count),
        purpose,
        device=seal["device"],
        pack=seal["pack"],
        key_id=bytes.fromhex(seal["key_id"]),
        seal_key=base64.urlsafe_b64decode(seal["public_key"] + "="),
    )
    return {"nonce": said["nonce"], "device_message": sent_as(message)}


def test_a_visit_of_each_kind_with_messages_alone(kiosk: Kiosk, device: VectorDevice) -> None:
    version = kiosk.send("GET", "/notice").get_json()["version"]
    consent = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
    joined = kiosk.send("POST", "/enrolments", sealed(kiosk, device, 1, 3, "enrol") | {"consent": consent})
    assert joined.status_code == 201, joined.text
    assert kiosk.send("PUT", f"/enrolments/{joined.get_json()['receipt']}/confirmed").status_code == 204

    hit = kiosk.send("POST", "/recognitions", sealed(kiosk, device, 1, 2, "recognise"))
    miss = kiosk.send("POST", "/recognitions", sealed(kiosk, device, 9, 2, "recognise"))
    assert (hit.get_json()["decision"], miss.get_json()["decision"]) == ("matched", "unknown")
    assert len(hit.data) == len(miss.data) == RECOGNITION_BYTES
    out = kiosk.send("POST", "/opt-outs", sealed(kiosk, device, 1, 1, "opt_out"))
    assert out.get_json()["decision"] == "forgotten"
    assert device.world.engine.detections == 0


def test_a_face_is_added_by_a_message(kiosk: Kiosk, device: VectorDevice) -> None:
    receipt = device.world.join(device.device, pin="4711").receipt
    body = sealed(kiosk, device, 1, 3, "add_face") | {"pin": "4711"}

    assert kiosk.send("PUT", f"/enrolments/{receipt}/face", body).status_code == 204
    assert device.recognise(1).decision == "matched"


def test_each_device_is_refused_with_what_it_does_not_send(kiosk: Kiosk, device: VectorDevice) -> None:
    nonce = kiosk.press()
    pictured = kiosk.send("POST", "/recognitions", {"nonce": nonce, "frames": b64(pictures(1, 1))})
    both = kiosk.send("POST", "/recognitions", {"nonce": nonce, "frames": ["x"], "device_message": "x"})
    device.world.access.modes.choose("north", "kiosk-1", "pictures")
    message = kiosk.send("POST", "/recognitions", {"nonce": nonce, "device_message": "AAAA"})

    assert (pictured.status_code, pictured.get_json()["code"]) == (409, "pictures_not_taken")
    assert (message.status_code, message.get_json()["code"]) == (409, "vectors_not_taken")
    assert both.status_code == 422
    assert kiosk.send("POST", "/presses", {}).get_json()["seal"] is None


def test_text_that_is_no_base64_is_refused(kiosk: Kiosk) -> None:
    reply = kiosk.send("POST", "/recognitions", {"nonce": kiosk.press(), "device_message": "no base64!"})

    assert reply.get_json()["code"] == "device_message_refused"


# --- keys and modes, at the whole application


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return create_app(Config(home=tmp_path, only="recommender"), now_us=Clock())


def access_of(app: Any) -> Access:
    found: Access = app.extensions["usual"]["access"]
    return found


def test_a_screen_registers_its_key_when_it_is_paired(app: Any) -> None:
    access, client = access_of(app), app.test_client()
    access.create_pairing("mill", "kiosk", device="front")
    code = access.create_pairing("mill", "kiosk", device="front", replace=True)
    access.modes.choose("mill", "front", "vectors")

    assert client.post("/v1/pairings", json={"code": code, "public_key": text()}).status_code == 200
    assert access.modes.of("mill", "front").public_key == public_key_of(P256)
    again = access.create_pairing("mill", "kiosk", device="front", replace=True)
    assert client.post("/v1/pairings", json={"code": again}).status_code == 200
    assert access.modes.of("mill", "front~2").public_key == b""  # another screen, in the same mode
    assert access.modes.of("mill", "front~2").mode == "vectors"


def test_a_paired_device_registers_one_key_once(app: Any) -> None:
    access, client = access_of(app), app.test_client()
    headers = {"X-API-Key": access.create_key("mill", ["identify"], device="front")}

    def put(key: str, **other: str) -> Any:
        return client.put("/v1/device-key", json={"public_key": key}, headers=headers | other)

    assert put(text()).status_code == put(text()).status_code == 204
    assert put(text(OTHER)).get_json()["code"] == "device_key_set"
    assert put("A" * 87).get_json()["code"] == "device_key_invalid"
    server = access.create_key("mill", ["identify"])
    assert put(text(), **{"X-API-Key": server}).get_json()["code"] == "device_needed"


def test_a_key_ends_with_the_last_key_of_its_device(app: Any) -> None:
    access = access_of(app)
    for _ in range(2):
        access.create_key("mill", ["identify"], device="front")
    access.modes.choose("mill", "front", "vectors")
    access.modes.register("mill", "front", public_key_of(P256))
    first, last = (str(row["key_id"]) for row in access.keys("mill"))

    access.revoke_key("mill", first)
    assert access.modes.of("mill", "front").public_key
    access.revoke_key("mill", last)
    assert access.modes.of("mill", "front").public_key == b""
    with pytest.raises(DeviceKeyInvalid):
        access.modes.register("mill", "front", b"\4" + bytes(64))
    access.modes.register("mill", "front", public_key_of(P256))
    with pytest.raises(DeviceKeySet):
        access.modes.register("mill", "front", public_key_of(OTHER))


def test_the_operator_chooses_the_mode_at_the_desk_and_sees_it(app: Any) -> None:
    access, client = access_of(app), app.test_client()
    access.create_key("mill", ["identify"], device="front")
    headers = {"X-API-Key": access.create_key("mill", ["admin", "operate"])}

    def choose(name: str, **body: Any) -> Any:
        return client.put(f"/desk/v1/devices/{name}/mode", json=body, headers=headers)

    assert choose("front", sends="vectors", attested=True).status_code == 204
    assert choose("nobody", sends="vectors").get_json()["code"] == "device_unknown"
    rows = client.get("/desk/v1/operations", headers=headers).get_json()["devices"]
    assert [(row["device"], row["sends"], row["attested"]) for row in rows] == [("front", "vectors", True)]
    assert choose("front", sends="pictures", attested=True).status_code == 204
    assert access.modes.of("mill", "front").attested is False


def test_and_at_the_command_line(app: Any, tmp_path: Path) -> None:
    access_of(app).create_key("mill", ["identify"], device="front")

    def run(*words: str) -> Any:
        return CliRunner().invoke(keys_command, [*words, "--home", str(tmp_path), "--tenant", "mill"])

    assert run("mode", "front", "vectors").exit_code == 0
    assert "sends vectors" in run("list").output
    assert "No device is called" in run("mode", "back", "vectors").output
    assert run("mode", "front", "pictures", "--attested").exit_code == 1


def test_a_daily_limit_is_an_alarm_at_the_desk_and_in_the_log(app: Any) -> None:
    from desk.operations import attention

    row = {
        "device": "front",
        "state": "online",
        "not_me_rate": None,
        "clock_ahead_s": 0,
        "failed": 0,
        "requests": 9,
    }
    [(device, message)] = attention([row | {"daily_limits": 2}], free=1.0)

    assert (device, message.id) == ("front", "operations-daily-limit")


def test_a_server_for_vectors_alone_loads_neither_opencv_nor_an_engine(tmp_path: Path) -> None:
    """A whole visit on the whole application, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.identity.device_vectors.alone", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"cv2", "onnxruntime"}
