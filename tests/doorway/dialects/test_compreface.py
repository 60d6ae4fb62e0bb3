"""CompreFace's own client, compreface-sdk as it comes, speaks with us: what works, what is refused, and why."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from compreface import CompreFace
from compreface.service import DetectionService, RecognitionService, VerificationService
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from doorway.dialects.compreface.refused import REFUSED
from doorway.dialects.compreface.routes import compreface
from doorway.dialects.switch import dialects
from identity.web.routes import RECOGNITION_BYTES
from plumbing import openapi
from plumbing.shared import Shared
from plumbing.storage.state import State
from tests.conftest import ROOT
from tests.identity.halves import KIOSK, World, claims_of, picture

# The client leaves the files open that it sends.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
TENANT, DEVICE = KIOSK.tenant, KIOSK.name


class Place:
    """Recognition with a fake engine, and the routes of the dialect on a port of their own."""

    def __init__(self, home: Path) -> None:
        self.world = World(home)
        self.shared = Shared.open(State(home), self.world.clock)
        self.app = openapi.new_app("Test", "CompreFace's routes.")
        self.app.register_api(dialects(self.shared))
        self.app.register_api(compreface(self.shared, self.world.service))
        self.key = self.shared.access.create_key(TENANT, ("identify", "enrol"), device=DEVICE)
        self.server = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        client = CompreFace("http://127.0.0.1", str(self.server.port))
        self.recognition: RecognitionService = client.init_face_recognition(self.key)
        self.detection: DetectionService = client.init_face_detection(self.key)
        self.verification: VerificationService = client.init_face_verification(self.key)

    def post(self, key: str = "", **more: Any) -> Any:
        client: FlaskClient = self.app.test_client()
        return client.post("/api/v1/recognition/recognize", headers={"X-API-Key": key or self.key}, **more)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.world.close()
        self.shared.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("home"))
    made.shared.dialects.choose(TENANT, ["compreface"])
    yield made
    made.close()


def sent(person: int, frame: int = 50) -> dict[str, str]:
    """A picture as JSON."""
    return {"file": base64.b64encode(picture(person, frame)).decode()}


def test_the_client_recognises_a_customer_as_a_token_and_a_stranger_as_nobody(place: Place) -> None:
    place.world.enrol(1)

    seen = place.recognition.recognize(picture(1, 50))
    stranger = place.recognition.recognize(picture(77, 50))

    ((found,), (nobody,)) = (seen["result"], stranger["result"])
    assert [set(one) for one in found["subjects"]] == [{"subject", "similarity"}]
    assert found["subjects"][0]["similarity"] == 1.0
    assert nobody == {"box": found["box"], "subjects": []}
    token = found["subjects"][0]["subject"]
    expires = place.world.clock.now + 1
    claims = claims_of(type("Seen", (), {"token": token, "expires_us": expires})())  # the token of any recognition
    assert claims.purposes == ("orders",)


def test_a_picture_may_be_named_by_its_file(place: Place, tmp_path: Path) -> None:
    place.world.enrol(2)
    file = tmp_path / "drawn" / "customer.png"
    file.parent.mkdir()
    file.write_bytes(picture(2, 50))

    seen = place.recognition.recognize(str(file), {"limit": 1, "det_prob_threshold": 0.8})

    assert len(seen["result"][0]["subjects"]) == 1


def test_hit_and_miss_have_one_length_and_no_number_of_a_face(place: Place) -> None:
    place.world.enrol(3)
    replies = [place.post(json=sent(person)) for person in (3, 78)]

    assert {(reply.status_code, len(reply.data)) for reply in replies} == {(200, RECOGNITION_BYTES)}
    numbers = [re.findall(r":([0-9.]+)", reply.text) for reply in replies]
    assert set(numbers[0]) | set(numbers[1]) == {"1.0", "0"}  # constants


def test_the_press_is_used_up_and_counts_for_its_device(place: Place) -> None:
    key = place.shared.access.create_key(TENANT, ("identify",), device="kiosk-9")
    codes = [place.post(key, json=sent(900 + n)).status_code for n in range(6)]

    assert codes == [200] * 5 + [429]  # a device whose presses recognise nobody pauses, as with our own routes


def test_a_customer_opts_out_by_their_receipt(place: Place) -> None:
    receipt = place.world.enrol(4).receipt
    assert place.recognition.recognize(picture(4, 50))["result"][0]["subjects"]

    assert place.recognition.get_subjects().delete(receipt) == {"subject": receipt}

    assert place.recognition.recognize(picture(4, 51))["result"][0]["subjects"] == []
    assert place.recognition.get_subjects().delete(receipt)["code"] == "enrolment_unknown"


def test_each_call_that_would_break_a_promise_says_why(place: Place) -> None:
    """Every other call of the client, unmodified, gets an answer that it can show."""
    faces, subjects = place.recognition.get_face_collection(), place.recognition.get_subjects()
    data = picture(1, 50)
    answers = {
        "list subjects": subjects.list(),
        "add subject": subjects.add("Ann"),
        "rename": subjects.update("Ann", "Bob"),
        "delete all subjects": subjects.delete_all(),
        "list faces": faces.list(),
        "add face": faces.add(data, "Ann"),
        "delete face": faces.delete("0c9ec3a2-0000-4000-8000-000000000000"),
        "delete faces": faces.delete_all("Ann"),
        "verify": faces.verify(data, "0c9ec3a2-0000-4000-8000-000000000000"),
        "compare": place.verification.verify(data, data),
        "detect": place.detection.detect(data),
    }

    assert {name: answer["code"] for name, answer in answers.items()} == dict.fromkeys(answers, "not_offered")
    assert all(answer["message"] == answer["detail"] for answer in answers.values())
    assert "enrol themselves" in answers["add face"]["message"]


def test_a_refused_call_looks_at_no_picture(place: Place) -> None:
    before = place.world.engine.calls

    place.detection.detect(picture(1, 50))
    place.recognition.get_face_collection().add(picture(1, 50), "Ann")

    assert place.world.engine.calls == before


@pytest.mark.parametrize("plugins", ["age", "gender", "landmarks", "mask", "calculator", "age,gender"])
def test_nothing_else_is_read_from_a_face(place: Place, plugins: str) -> None:
    said = place.recognition.recognize(picture(1, 50), {"face_plugins": plugins})

    assert said["code"] == "plugin_refused"


@pytest.mark.parametrize(
    "more",
    [
        {"json": {"file": "no base64"}},
        {"json": {"picture": "x"}},
        {"data": b"\x00" * 20, "content_type": "multipart/form-data; boundary=x"},
        {"data": b"", "content_type": "multipart/form-data"},
        {"data": {"other": "text"}, "content_type": "multipart/form-data"},
        {"data": b"GIF89a" + bytes(50), "content_type": "application/octet-stream"},
    ],
)
def test_a_request_without_a_picture_is_told_where_it_belongs(place: Place, more: dict[str, Any]) -> None:
    reply = place.post(**more)

    assert (reply.status_code, reply.get_json()["code"]) == (415, "not_an_image")
    assert reply.get_json()["message"] == reply.get_json()["detail"]


def test_no_look_is_kept_to_be_answered_again(place: Place) -> None:
    """A kept reply would greet the next person, and the fingerprint of a form is one of its picture."""
    reply = place.app.test_client().post(
        "/api/v1/recognition/recognize",
        json=sent(1),
        headers={"X-API-Key": place.key, "Idempotency-Key": "k1"},
    )

    assert (reply.status_code, reply.get_json()["code"]) == (422, "not_repeatable")
    assert place.shared.databases[1].rows("SELECT 1 FROM replies") == []


def test_a_key_of_no_device_recognises_nobody(place: Place) -> None:
    key = place.shared.access.create_key(TENANT, ("identify",))

    assert place.post(key, json=sent(1)).get_json()["code"] == "device_needed"


def test_a_large_picture_of_a_form_touches_no_disk(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework would write it into a temporary file."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a picture was written to a file")

    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    monkeypatch.setattr("werkzeug.formparser.default_stream_factory", refuse)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head + b"\xff\xd8\xff" + bytes(2_500_000) + b"\r\n--x--\r\n"
    reply = place.post(data=body, content_type="multipart/form-data; boundary=x")

    assert reply.get_json()["code"] == "frame_too_large"  # it was read to its end: our own limit is 2 MB


def test_a_dialect_that_is_off_answers_nothing_and_each_tenant_has_its_own_switch(place: Place) -> None:
    key = place.shared.access.create_key("south", ("identify",), device="kiosk-1")
    admin = place.shared.access.create_key("south", ("admin",))
    client, headers = place.app.test_client(), {"X-API-Key": admin}

    assert place.post(key, json=sent(1)).get_json()["code"] == "dialect_off"
    assert client.put("/v1/dialects", json={"names": ["klingon"]}, headers=headers).status_code == 422
    on = client.put("/v1/dialects", json={"names": ["compreface"]}, headers=headers).get_json()
    assert on == {"names": ["compreface"], "possible": on["possible"]}
    assert place.post(key, json=sent(1)).get_json()["result"][0]["subjects"] == []  # a customer of another tenant
    client.put("/v1/dialects", json={"names": []}, headers=headers)
    assert client.get("/v1/dialects", headers=headers).get_json()["names"] == []
    assert place.post(key, json=sent(1)).status_code == 404
    assert [row["subject"] for row in changes(place.shared)] == ["dialects"] * 2


def changes(shared: Shared) -> list[Any]:
    return list(shared.databases[0].rows("SELECT subject FROM changes WHERE tenant = 'south'"))


def test_the_document_names_every_route_with_its_reason() -> None:
    text = (ROOT / "docs" / "dialects" / "compreface.md").read_text()

    for one in REFUSED:
        path = re.sub(r"<(\w+)>", lambda found: found[1].upper(), one.path)
        assert f"`{one.method} {path}`" in text, one.path
        assert one.why in text, one.why
