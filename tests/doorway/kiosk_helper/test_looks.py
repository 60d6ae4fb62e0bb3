"""From the pictures of a press to what the house gets: the real house opens it, and no picture goes there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from doorway.kiosk_helper.looks import MOST_OPEN, OPEN_S, Looks
from doorway.kiosk_helper.web import LOOKS, PASSED_ON
from identity.capture.challenge import Step
from identity.device_vectors.looking import Looking, Pictures, one_person
from identity.engines.manifests import PACKS, load_pack
from identity.engines.protocol import Face
from identity.errors import OtherPack, PressExpired, PressRefused
from identity.frames.decode import decode
from tests import magic
from tests.conftest import ROOT
from tests.doorway.kiosk_helper.helped import Helped
from tests.identity.capture.test_challenge import Moving, moved
from tests.identity.fakes import FAKE_PACK, FakeEngine, face_at
from tests.identity.halves import KIOSK, World, b64, pictures
from tests.traces import finding

NEEDS = {"orders": "face", "offers": "liveness", "destinations": "liveness_and_pin"}


@pytest.fixture
def helped(tmp_path: Path) -> Iterator[Helped]:
    world = World(tmp_path / "house")
    yield Helped(world, tmp_path / "kiosk")
    world.close()


def test_a_customer_joins_is_recognised_and_leaves_and_no_picture_travels(helped: Helped) -> None:
    version = helped.ask("GET", "/identity/v1/notice").get_json()["version"]
    consent = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
    joining = helped.sealed(pictures(1), "enrol") | {"consent": consent}
    joined = helped.ask("POST", "/identity/v1/enrolments", joining)
    assert joined.status_code == 201, joined.text
    confirmed = helped.ask("PUT", f"/identity/v1/enrolments/{joined.get_json()['receipt']}/confirmed")
    assert confirmed.status_code == 204

    hit = helped.ask("POST", "/identity/v1/recognitions", helped.sealed(pictures(1, 2, 50)))
    miss = helped.ask("POST", "/identity/v1/recognitions", helped.sealed(pictures(9, 2)))
    assert (hit.get_json()["decision"], miss.get_json()["decision"]) == ("matched", "unknown")
    out = helped.ask("POST", "/identity/v1/opt-outs", helped.sealed(pictures(1, 1, 60), "opt_out"))
    assert out.get_json()["decision"] == "forgotten"

    assert helped.engine.detections > 0 == helped.world.engine.detections
    assert max(map(len, helped.line.heard)) < 4_000
    assert not any(magic.has_pixels(body) or list(magic.pictures_in(body)) for body in helped.line.heard)


def test_the_folder_holds_keys_alone(helped: Helped, tmp_path: Path) -> None:
    """After looks that succeed, that are refused, and that fail in the middle."""
    helped.sealed(pictures(1))
    helped.engine.faces = []
    assert helped.look(pictures(1)).status_code == 422
    assert helped.look([pictures(1)[0][:900]]).status_code == 422
    [file] = [path for path in (tmp_path / "kiosk").rglob("*") if path.is_file()]

    assert file.name == "device.json"
    assert finding(file, state=True) is None
    assert helped.said == []
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_house_judges_what_the_helper_claims_as_it_judges_pictures(helped: Helped) -> None:
    """Numbers of a frame are the server's own, up to their rounding; a second face that is far off is counted."""
    engine = FakeEngine([face_at(130, 80, 160), face_at(380, 10, 30)])
    [sight] = Looking(engine, decode).content(Pictures(pictures(1, 1)), "recognise").sights
    [whole] = Looking(FakeEngine(), decode).content(Pictures(pictures(1, 1)), "recognise").sights

    assert (sight.claims.faces, whole.claims.faces) == (2, 1)
    assert sight.claims.sharpness == pytest.approx(whole.claims.sharpness)
    assert float(np.dot(sight.vector, whole.vector)) > 0.999
    assert sight.masked is None


@pytest.mark.parametrize(
    ("faces", "code", "hint"),
    [
        ([], "no_face", "look_at_the_camera"),
        ([face_at(20, 60, 160), face_at(220, 60, 160)], "several_faces", "one_person_please"),
        ([face_at(180, 100, 60)], "face_too_small", "come_closer"),
        ([face_at(130, 80, 160, turn=0.5)], "face_turned", "look_straight_ahead"),
    ],
)
def test_a_hint_comes_from_the_helper_and_the_house_hears_nothing(
    helped: Helped, faces: list[Face], code: str, hint: str
) -> None:
    helped.engine.faces = faces
    refused = helped.look(pictures(1))

    assert (refused.status_code, refused.get_json()["code"], refused.get_json()["hint"]) == (422, code, hint)
    assert len(helped.line.heard) == 1  # the press


def test_at_which_side_a_face_is_reaches_the_page(helped: Helped) -> None:
    helped.engine.faces = [face_at(0, 80, 160)]

    assert helped.look(pictures(1)).get_json()["where"] == "left"


def test_a_message_is_made_once_for_a_press_and_taken_once(helped: Helped) -> None:
    body = helped.sealed(pictures(1))
    again = helped.ask("POST", LOOKS, {"nonce": body["nonce"], "purpose": "recognise", "frames": b64(pictures(1))})
    first = helped.ask("POST", "/identity/v1/recognitions", body)
    second = helped.ask("POST", "/identity/v1/recognitions", body)

    assert again.get_json()["code"] == "press_refused"
    assert (first.status_code, second.get_json()["code"]) == (200, "press_refused")
    foreign = helped.ask("POST", LOOKS, {"nonce": "made-up", "purpose": "recognise", "frames": b64(pictures(1))})
    assert foreign.get_json()["code"] == "press_refused"


def test_a_message_for_one_purpose_is_refused_for_another(helped: Helped) -> None:
    refused = helped.ask("POST", "/identity/v1/opt-outs", helped.sealed(pictures(1), "recognise"))

    assert refused.get_json()["code"] == "device_message_refused"


def shown(helped: Helped, moved_by: int, order: Sequence[Step] = ()) -> str:
    """The liveness that the house grants a press whose moves somebody made, in `order` or as it asked for them."""
    engine = helped.engine
    assert isinstance(engine, Moving)
    asked = helped.ask("POST", "/identity/v1/presses", {}).get_json()
    frames, moves = pictures(1, 1, 50), pictures(moved_by, 4, 60)
    engine.put(frames[0], face_at(130, 80, 160))
    for picture, step in zip(moves, order or asked["challenge"], strict=True):
        engine.put(picture, moved(step))
    sent = {"nonce": asked["nonce"], "purpose": "recognise", "frames": b64(frames), "moves": b64(moves)}
    sealed = {"nonce": asked["nonce"], **helped.ask("POST", LOOKS, sent).get_json()}
    return str(helped.ask("POST", "/identity/v1/recognitions", sealed).get_json()["liveness"])


def test_the_moves_are_those_that_the_house_asked_for(tmp_path: Path) -> None:
    """The page does not say which: the helper has them from the house. Somebody else's moves are refused."""
    world = World(tmp_path / "house", settings={"needs": NEEDS})
    helped = Helped(world, tmp_path / "kiosk", engine=Moving())

    assert shown(helped, 1) == "passed"
    assert shown(helped, 9) == "failed"
    assert shown(helped, 1, order=("closer", "closer", "closer", "closer")) == "failed"
    world.close()


def test_how_alike_one_person_looks_comes_from_the_pack() -> None:
    known = {path.stem: one_person(load_pack(path.stem)) for path in PACKS.glob("*.json")}

    assert one_person(FAKE_PACK) == pytest.approx(0.36, abs=0.1)
    assert 0 < known["open-model-zoo"] < known["dlib"] < 1
    assert all(least > 0 for least in known.values())


def test_pictures_are_passed_on_under_no_address(helped: Helped) -> None:
    nonce, frames = helped.press(), ["AAAA"]  # a large one is refused by its size already
    bodies = [{"nonce": nonce, "frames": frames}, {"nonce": nonce, "device_message": "AAAA", "moves": frames}]
    before = len(helped.line.heard)
    looking = [(method, rule) for method, rule in PASSED_ON if method != "GET"]
    refused = [
        helped.ask(method, rule.replace("<receipt>", "x"), body).get_json()["code"]
        for method, rule in looking
        for body in bodies
    ]
    large = helped.ask("POST", "/identity/v1/recognitions", {"nonce": nonce, "picture": "A" * 70_000})

    assert set(refused) == {"pictures_stay_here"}
    assert large.get_json()["code"] == "body_too_large"
    assert len(helped.line.heard) == before


def test_a_device_that_the_operator_set_to_pictures_sends_none(helped: Helped) -> None:
    helped.world.access.modes.choose(KIOSK.tenant, KIOSK.name, "pictures")
    refused = [helped.ask("POST", "/identity/v1/presses", {}) for _ in range(2)]

    assert {reply.get_json()["code"] for reply in refused} == {"pictures_stay_here"}
    [sentence] = helped.said
    assert "usual keys mode NAME vectors" in sentence


def test_another_pack_than_the_houses_is_named(helped: Helped) -> None:
    pack = load_pack("dlib")
    helped.looks.looking = Looking(FakeEngine(pack=pack), decode)
    refused = helped.ask("POST", "/identity/v1/presses", {}).get_json()

    assert (refused["code"], refused["pack"]) == (OtherPack.code, FAKE_PACK.id)
    assert FAKE_PACK.id in helped.said[0]


def test_without_an_engine_a_press_says_so_and_the_rest_is_passed_on(helped: Helped) -> None:
    helped.looks.looking = None

    assert helped.ask("POST", "/identity/v1/presses", {}).get_json()["code"] == "engine_unavailable"
    assert helped.ask("GET", "/identity/v1/notice").status_code == 200


def test_presses_do_not_pile_up_and_end(helped: Helped) -> None:
    now = [0.0]
    looks = Looks(helped.looks.looking, monotonic=lambda: now[0])
    nonces = []
    for _ in range(MOST_OPEN + 1):
        said = helped.ask("POST", "/identity/v1/presses", {}).get_json()
        looks.pressed(said)
        nonces.append(said["nonce"])
    with pytest.raises(PressRefused):
        looks.message(nonces[0], "recognise", Pictures(pictures(1)), helped.signing)
    now[0] = OPEN_S + 1
    with pytest.raises(PressExpired):
        looks.message(nonces[1], "recognise", Pictures(pictures(1)), helped.signing)


def test_the_page_asks_the_helper_as_its_source_says(helped: Helped) -> None:
    page = helped.ask("GET", "/kiosk").text
    source = (ROOT / "screens" / "static" / "js" / "look" / "sight.js").read_text()

    assert 'data-engine="helper"' in page
    assert f'HELPER = "{LOOKS}"' in source
    assert 'dataset.engine === "helper"' in source
