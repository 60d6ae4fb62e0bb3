"""What a press leaves behind: of a stranger nothing, of a customer nothing readable, after an opt-out nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog
from numpy.typing import NDArray

from identity.audit.lines import DETAILS_AT, tag_of
from identity.audit.log import WIDTH, Audit
from identity.customers.links import Links
from identity.errors import FrameError, IdentityError
from identity.frames import opencv
from identity.frames.decode import decode
from identity.vault.keyfile import SLOT
from plumbing.clock import SECOND
from tests.conftest import ROOT
from tests.identity.fakes import FakeEngine
from tests.identity.halves import KIOSK, StoppedClock, World, claims_of, kiosk_of, picture, pictures, row_of
from tests.magic import has_pixels

MAY_CHANGE = ("identity-moments.db", "identity-audit.log", "identity-audit-head", "clock.json", "retention.json")
PIECE = 24  # bytes of a secret that are searched for: chance finds none of it


def jpeg(person: int, frame: int) -> bytes:
    """A frame as a camera sends it: a tenth of the bytes, decoded in a third of the time."""
    pixels = cv2.imdecode(np.frombuffer(picture(person, frame), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    return data.tobytes()


def files(home: Path) -> dict[str, bytes]:
    """Every file of the state folder; `-shm` is SQLite's lock table, not data."""
    paths = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith("-shm")]
    return {str(path.relative_to(home)): path.read_bytes() for path in paths}


def spellings(vector: np.ndarray) -> Iterator[bytes]:
    """A vector as it might be written: numbers of three kinds, as bytes, as hex and as base64."""
    kinds = (vector.astype("<f4"), vector.astype("<f2"), np.round(vector * 127).astype(np.int8))
    for raw in (kind.tobytes() for kind in kinds):
        middle = raw[len(raw) // 2 :][:PIECE]
        yield middle
        yield middle.hex().encode()
        yield middle.hex().upper().encode()
        for shift in range(3):  # base64 looks different at each of three offsets
            yield base64.b64encode(middle[shift:])[:-4]
            yield base64.urlsafe_b64encode(middle[shift:])[:-4]


def found(home: Path, needles: set[bytes]) -> list[tuple[str, bytes]]:
    """Where any of the needles stands in any file."""
    return [(name, n) for name, content in files(home).items() for n in needles if n in content]


def vector_of(data: bytes) -> np.ndarray:
    engine = FakeEngine()
    pixels = decode(data).pixels
    return engine.embed(pixels, engine.detect(pixels)[0])


def test_a_thousand_strangers_leave_nothing_but_a_counter_and_a_line_each(tmp_path: Path) -> None:
    world = World(tmp_path)
    for person in range(4):
        world.enrol(person)
    world.half.databases[0].scrub()
    strangers = [jpeg(1000 + n, n) for n in range(20)]
    gallery = world.half.galleries.current("north")
    needles: set[bytes] = set()
    for data in strangers:
        needles |= set(spellings(vector_of(data))) | set(spellings(gallery.turned(vector_of(data))))
        needles |= {
            data[200 : 200 + PIECE],
            hashlib.sha256(data).digest(),
            hashlib.sha256(data).hexdigest().encode(),
        }
    before = files(tmp_path)

    for n in range(1000):
        world.clock.now += 31 * SECOND
        nonce, _ = world.service.press(KIOSK)
        assert world.service.recognise(KIOSK, nonce, [strangers[n % 20]]).token is None

    after = files(tmp_path)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name.removesuffix("-wal") for name in changed} <= set(MAY_CHANGE)
    lines = len(after["identity-audit.log"]) - len(before["identity-audit.log"])
    assert lines == 1000 * WIDTH
    for name in ("clock.json", "retention.json"):  # times of the installation, whoever came
        assert all(type(value) is int for value in json.loads(after[name]).values())
    assert len(after["identity-audit-head"]) == len(before["identity-audit-head"])  # of one size as well
    said = {line[13:DETAILS_AT] for line in after["identity-audit.log"].decode().splitlines(True)[-1000:]}
    assert {line[:10] for line in said} == {"2024-10-04"}
    assert len(said) == 1  # day, tenant, event, outcome, tag: the same for every stranger
    assert found(tmp_path, needles) == []
    rows = world.half.databases[1].rows(
        "SELECT * FROM presses UNION ALL SELECT tenant, device, failures, 0 FROM streaks"
    )
    assert len(rows) <= 4
    world.close()


def test_a_search_for_a_vector_would_find_one(tmp_path: Path) -> None:
    """The proof above is worth something only if its search sees what it looks for."""
    vector = vector_of(picture(5, 0))
    for n, content in enumerate(
        (
            vector.tobytes(),
            vector.astype("<f2").tobytes(),
            np.round(vector * 127).astype(np.int8).tobytes(),
            vector.tobytes().hex().encode(),
            base64.b64encode(vector.tobytes()),
            b"x" + base64.urlsafe_b64encode(b"y" + vector.tobytes()),
        )
    ):
        (tmp_path / "leak").write_bytes(b"some log " * n + content)
        assert found(tmp_path, set(spellings(vector))), n


def test_no_file_holds_a_customers_template_pseudonym_pin_or_receipt(world: World) -> None:
    frames = pictures(1)
    made = world.enrol(1)
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "8205")
    seen = claims_of(world.recognise(1))
    gallery = world.half.galleries.current("north")
    needles = set(spellings(gallery.matrix[0])) | {made.receipt.encode(), made.pin_secret.encode()}
    for data in frames:
        needles |= set(spellings(vector_of(data))) | {data[500 : 500 + PIECE]}
    needles |= {seen.pseudonym.encode(), base64.urlsafe_b64decode(seen.pseudonym + "=="), b"8205"}

    assert found(world.home, needles) == []


def test_after_an_opt_out_no_file_holds_a_byte_of_what_was_kept(world: World) -> None:
    world.enrol(2)
    made = world.enrol(1)
    world.service.set_pin(KIOSK, made.receipt, made.pin_secret, "8205")
    row = row_of(world, made.receipt)
    database = world.half.databases[0]
    sealed = database.row("SELECT sealed FROM templates WHERE customer_id = ?", (row.customer_id,))
    slot = (world.home / "identity-keys").read_bytes()[row.slot * SLOT :][1:77]
    assert sealed is not None
    assert row.pin is not None
    kept = {sealed["sealed"][:PIECE], row.links[:PIECE], row.pin[:PIECE], slot[:PIECE], row.customer_id.encode()}
    kept |= {row.receipt_hash.encode(), bytes.fromhex(row.customer_id)}
    assert {needle for _, needle in found(world.home, kept)} >= kept - {bytes.fromhex(row.customer_id)}

    assert world.service.forget(KIOSK, made.receipt)

    assert found(world.home, kept) == []
    assert world.recognise(2).decision == "matched"


def test_the_audit_names_a_customer_only_while_their_key_lives(world: World) -> None:
    made = world.enrol(1)
    world.recognise(1)
    row = row_of(world, made.receipt)
    account = world.service.customers.accounts.find("north", row.customer_id)
    assert account is not None
    secret = account.links.audit
    world.service.forget(KIOSK, made.receipt)

    lines = (world.home / "identity-audit.log").read_text().splitlines()
    tags = [tag_of(line) for line in lines]
    others = b"".join(content for name, content in files(world.home).items() if name != "identity-audit.log")

    assert [line.outcome for line in world.half.audit.lines_of(secret)] == ["enrolled", "matched", "receipt"]
    assert (secret.encode() in others, bytes.fromhex(secret) in others) == (False, False)
    assert len(set(tags)) == 3  # without the secret they have nothing in common
    assert not any(tag.encode() in others or bytes.fromhex(tag) in others for tag in tags)
    assert row.customer_id not in "".join(lines)
    assert not world.half.audit.examined().faults


@pytest.mark.parametrize(
    "tamper",
    [
        lambda lines: [*lines[:2], lines[2].replace("nobody", "raised"), *lines[3:]],
        lambda lines: lines[:2] + lines[3:],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        lambda lines: [lines[0].replace("nobody", "raised"), *lines[1:]],
    ],
    ids=["altered", "deleted", "inserted", "reordered", "first altered"],
)
def test_the_audit_shows_where_it_was_tampered_with(
    tmp_path: Path, tamper: Callable[[list[str]], list[str]]
) -> None:
    audit = Audit(tmp_path / "audit.log", StoppedClock())
    for _ in range(6):
        audit.note("north", "recognise", "nobody")
    assert not audit.examined().faults

    audit.path.write_text("".join(tamper(audit.path.read_text().splitlines(True))))

    assert audit.examined().faults
    audit.close()


def test_two_processes_write_one_chain_and_a_torn_line_is_mended(tmp_path: Path) -> None:
    one, two = (Audit(tmp_path / "audit.log", StoppedClock()) for _ in range(2))
    one.note("north", "enrol", "enrolled")
    with one.path.open("ab") as file:
        file.write(b"000000000001 torn by a full disk")

    two.note("north", "recognise", "nobody")
    one.note("a tenant with a long name", "forget", "receipt", "ab" * 16)

    assert not one.examined().faults
    assert one.path.stat().st_size == 3 * WIDTH
    one.close()
    two.close()


def test_an_accident_while_decoding_leaves_no_pixel_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    data = picture(77, 0)
    pixels = decode(data).pixels

    def accident(*_: object) -> None:
        raise cv2.error("out of memory")

    monkeypatch.setattr(opencv.cv2, "imdecode", accident)
    nonce, _ = world.service.press(KIOSK)
    with pytest.raises(FrameError) as caught:
        world.service.recognise(KIOSK, nonce, [data])

    needles = {data[500 : 500 + PIECE], pixels[160, 200:208].tobytes()}
    assert found(world.home, needles) == []
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("when", ["before a pixel", "with all pixels in hand"])
def test_an_accident_in_mid_decode_is_logged_without_a_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], when: str
) -> None:
    """Nor in what the server says of it: its log and traceback lie where the search after the suite finds them."""
    world, data, real = World(tmp_path / "state"), picture(77, 0), opencv.cv2.imdecode
    pixels = decode(data).pixels

    def accident(data: NDArray[np.uint8], flags: int) -> None:
        torn = None if when == "before a pixel" else real(data, flags)
        raise MemoryError(f"no room beside {None if torn is None else torn.shape}")

    kiosk = kiosk_of(world)
    kiosk.client.application.logger.addHandler(logging.FileHandler(tmp_path / "server.log"))
    monkeypatch.setattr(opencv.cv2, "imdecode", accident)

    reply = kiosk.recognise([data])

    said = "".join(capfd.readouterr()) + (tmp_path / "server.log").read_text()
    (tmp_path / "said").write_text(said)
    assert reply.status_code == 500
    assert "MemoryError" in said
    needles = {data[500 : 500 + PIECE], pixels[160, 200:208].tobytes(), base64.b64encode(data)[600:640]}
    assert found(tmp_path, needles) == []
    assert not any(needle.decode("latin-1") in said + reply.text for needle in needles)
    assert not any(has_pixels(content) for content in files(tmp_path).values())
    world.close()


def test_a_server_that_crashes_dumps_no_memory(tmp_path: Path) -> None:
    """`usual serve` gives up core dumps before it serves, for itself and whatever it starts."""
    probe = (
        "import resource\nfrom click.testing import CliRunner\nimport app\nfrom plumbing.serving import server\n"
        "server.run = lambda *_, **__: print('core', resource.getrlimit(resource.RLIMIT_CORE))\n"
        f"arguments = ['serve', '--init', '--only', 'identity', '--home', {str(tmp_path)!r}]\n"
        "done = CliRunner().invoke(app.assemble(), arguments)\n"
        "print(done.output, done.exception)\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "core (0, 0)" in done.stdout, done.stdout + done.stderr


def test_a_failed_enrolment_leaves_nothing(world: World) -> None:
    world.enrol(1)
    world.half.databases[0].scrub()
    before = files(world.home)

    for frames in ([*pictures(2, 2), picture(3, 0)], [picture(2, 0)] * 3, pictures(1, 3, 30)):
        nonce, _ = world.service.press(KIOSK)
        with pytest.raises(IdentityError):
            world.service.enrol(
                KIOSK,
                nonce,
                frames,
                purposes={"orders": True},
                notice_version=world.service.notice.version,
                age_confirmed=True,
            )

    after = files(world.home)
    for name in ("identity.db", "identity-audit.log", "access.db"):
        assert before[name] == after[name], name
    assert world.half.vault.keys.counts()["keys"] == 1


def test_what_is_logged_names_nobody(world: World) -> None:
    made = world.enrol(1)
    seen = claims_of(world.recognise(1))
    row = row_of(world, made.receipt)
    world.elsewhere.error = OSError("the recommender does not answer")

    with structlog.testing.capture_logs() as logs:
        world.service.forget(KIOSK, made.receipt)

    text = repr(logs)
    assert "erasure_unfinished" in text
    assert not any(word in text for word in (made.receipt, seen.pseudonym, row.customer_id, "north", "kiosk"))


def test_pseudonyms_of_two_tenants_have_nothing_in_common() -> None:
    north, south = ({Links.new({}).pseudonym for _ in range(20_000)} for _ in range(2))

    assert len(north) == len(south) == 20_000
    assert north & south == set()
