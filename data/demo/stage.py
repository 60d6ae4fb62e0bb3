"""Preparing the demo: keys, thresholds, the town's catalogue, its people and their history."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.demo.client import Client
from data.demo.members import PIN, Member, purposes_of
from data.demo.server import command
from data.demo.setting import TENANT, Setting, StageError
from data.demo.terminal import Progress
from data.faces import people
from data.town.town import Town
from plumbing.access import access as access_tables
from plumbing.access.access import Access
from plumbing.access.token_keys import TokenKeys
from plumbing.people.cli import link
from plumbing.people.errors import UserNameTaken
from plumbing.people.people import People
from plumbing.people.people import migrations as people_tables
from plumbing.storage.database import Database
from recommender.tokens import open_token

if TYPE_CHECKING:
    from identity.engines.protocol import FaceEngine

PICKUP = "?pickup=place-46&lat=54.45853&lon=6.95365"  # where the taxi of the link stands: Chandler station
KIOSK = ("identify", "enrol", "suggest", "event")
OFFICE = ("train", "suggest", "admin")
COLLEAGUE = "demo"
COHORT = 120
"""Drawn strangers that the thresholds are measured on, three frames of each."""


def access_of(setting: Setting) -> tuple[Access, Database]:
    """The installation's keys; the database is the caller's to close."""
    database = setting.state.database("access", access_tables.migrations)
    return Access(database, setting.now_us), database


def make_keys(setting: Setting) -> dict[str, str]:
    """A kiosk at the market, a taxi and an office."""
    access, database = access_of(setting)
    try:
        return {
            "kiosk": access.create_key(TENANT, KIOSK, device="kiosk-market", site="market"),
            "taxi": access.create_key(TENANT, KIOSK, device="taxi-7", site=""),
            "office": access.create_key(TENANT, OFFICE, device="office", site=""),
        }
    finally:
        database.close()


def pairing_links(setting: Setting, url: str) -> dict[str, str]:
    """One-time links: they turn a browser into kiosk and taxi, and invite the marketer to the desk."""
    access, database = access_of(setting)
    try:
        links = {
            page: f"{url}/{page}{PICKUP if page == 'taxi' else ''}#pair="
            + access.create_pairing(
                TENANT, page, device=f"{page}-screen", site="market" if page == "kiosk" else "", replace=True
            )
            for page in ("kiosk", "taxi")
        }
    finally:
        database.close()
    return links | {"desk": desk_link(setting, url)}


def desk_link(setting: Setting, url: str) -> str:
    """A one-time link for the demo's only colleague, who may do everything; one more when they are there."""
    database = setting.state.database("access", access_tables.migrations, people_tables)
    try:
        staff = People(database, setting.now_us)
        try:
            secret = staff.invite(TENANT, COLLEAGUE, ("marketer", "privacy_officer", "operator"))
        except UserNameTaken:
            secret = staff.reset(TENANT, staff.named(TENANT, COLLEAGUE).user_id)
    finally:
        database.close()
    return link(url, secret)


# --- thresholds --------------------------------------------------------------------------------------


def calibrate_pack(setting: Setting, progress: Progress, strangers: int = COHORT) -> float | None:
    """Measure the threshold on drawn strangers, with the calibration that real ones would get.

    The strangers' vectors describe nobody. They are cached beside the engine pack, and the next demo reads them.
    """
    from identity.config import IdentityConfig
    from identity.web.half import build

    keys = TokenKeys(setting.home, setting.now_us)
    access, database = access_of(setting)
    half = build(
        IdentityConfig(
            home=setting.home,
            token_keys=keys,
            pack=setting.pack,
            models_folder=setting.models,
            cache=setting.cache,
            database=setting.database,
            keys_database=setting.keys_database,
        ),
        access=access,
        now_us=setting.now_us,
        forget_elsewhere=lambda token: None,
    )
    try:
        service = half.service
        cached = setting.cache / f"drawn-strangers-{service.engine.pack.id}-{drawing_version()}-{strangers}.npz"
        if cached.exists():
            with np.load(cached, allow_pickle=False) as file:
                cohort = [file[name] for name in sorted(file.files)]
        else:
            half.warm()  # a pack that is converted for the first time takes longer than a frame may
            cohort = list(_strangers(service.engine, strangers, progress))
            cached.parent.mkdir(parents=True, exist_ok=True)
            draft = cached.with_name(f".{os.getpid()}-{cached.name}")
            np.savez(draft, **{f"p{k:04d}": vectors for k, vectors in enumerate(cohort)})
            draft.replace(cached)
        made: float | None = half.calibrator.calibrate(TENANT, cohort)
        return made
    finally:
        half.close()
        database.close()


def _strangers(engine: FaceEngine, strangers: int, progress: Progress) -> Iterator[NDArray[np.float32]]:
    from identity.capture.attempt import usable_vectors

    with progress("drawing strangers", strangers) as bar:
        for k in range(strangers):
            frames = [people.jpeg(people.draw_face(people.STRANGERS + k, moment)) for moment in range(3)]
            vectors = usable_vectors(engine, frames)
            if len(vectors) == len(frames):  # a face that the detector does not find calibrates nothing
                yield np.stack(vectors)
            bar.update(1)


def drawing_version() -> str:
    """Changes whenever the drawn strangers would."""
    here = Path(__file__).parent.parent / "faces"
    files = [
        here / name for name in ("brush.py", "features.py", "hair.py", "looks.py", "people.py", "portrait.py")
    ]
    return f"{zlib.crc32(b''.join(file.read_bytes() for file in files)):08x}"


# --- the town moves in -------------------------------------------------------------------------------


def load_catalogue(client: Client, town: Town) -> None:
    """Dishes, places and offers through the bulk routes."""
    for kind, things in (("items", town.dishes), ("places", town.places), ("offers", town.offers)):
        rows = [{k: v for k, v in asdict(one).items() if v not in ((), None, "", {})} for one in things]
        client.call("POST", f"/recommender/v1/{kind}", {"rows": rows})


def import_history(setting: Setting, town: Town, others: Sequence[str], progress: Progress) -> None:
    """What guests and the `others` did, in bulk: customers of the town who get a pseudonym and no face."""
    pseudonyms = {name: f"town-{town.seed}-{name}" for name in others} | {"": ""}
    file = setting.folder / "events.jsonl"
    events = (event for kind in (town.order_events(), town.ride_events()) for event in kind)
    write_events(
        file, ({**e, "customer": pseudonyms[e["customer"]]} for e in events if e["customer"] in pseudonyms)
    )
    with progress("importing ninety days", 1) as bar:
        command(setting, "import", "events", str(file))
        bar.update(1)


def run_month(setting: Setting, seed: int, progress: Progress) -> str:
    """Thirty days of offers to others in the town; what they proved, in a sentence."""
    from data.demo.month import simulate_in_state

    return str(simulate_in_state(setting.state, TENANT, setting.now_us(), progress, seed=seed)["answer"])


def write_events(path: Path, events: Iterator[dict[str, Any]]) -> None:
    """Events as JSON lines."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def opt_in(
    client: Client, town: Town, numbers: Sequence[int], progress: Progress, setting: Setting
) -> list[Member]:
    """Customers press, read the notice, choose, and are enrolled with three frames each.

    Then their own history is imported under the pseudonym that only their token carries: who holds the key of the
    tokens can read it, and a token itself records nothing that lies before its press.
    """
    past: list[dict[str, Any]] = []
    members = []
    with progress("opting in", len(numbers)) as bar:
        for k in numbers:
            truth = town.truth[town.customers[k]]
            frames = [people.draw_face(truth.person_seed, moment) for moment in range(3)]
            pin = PIN if "destinations" in purposes_of(k) else None
            enrolled = client.enrol(frames, purposes_of(k), pin)
            member = Member(truth.customer, truth.person_seed, purposes_of(k), enrolled["receipt"])
            past += _history_of(client, town, member, setting)
            members.append(member)
            bar.update(1)
    file = setting.folder / "members.jsonl"
    write_events(file, iter(past))
    command(setting, "import", "events", str(file))
    return members


def _history_of(client: Client, town: Town, member: Member, setting: Setting) -> Iterator[dict[str, Any]]:
    """What a member did before, under their pseudonym."""
    seen = client.recognise([people.draw_face(member.person_seed, 3)])
    if seen["token"] is None:
        raise StageError(f"{member.customer} opted in and was not recognised ({seen['decision']}).")
    keys = (setting.home / "token.key").read_bytes().split()
    claims = open_token(keys, seen["token"], tenant=None, device=None, purpose="orders", now_us=setting.now_us())
    rides = town.ride_events(member.customer) if "destinations" in member.purposes else ()
    for event in (*town.order_events(member.customer), *rides):
        yield event | {"customer": claims.pseudonym}


def film(setting: Setting, member: Member) -> None:
    """Two dozen frames of a drawn customer for a browser without a camera."""
    people.write_mjpeg(setting.camera, [people.draw_face(member.person_seed, 60 + k) for k in range(24)])


def begin_training(client: Client, scene: str) -> str:
    """Start a training in the background; its id."""
    return str(client.call("POST", f"/recommender/v1/models/{scene}/train")["run_id"])


def finish_training(client: Client, runs: dict[str, str], progress: Progress) -> dict[str, dict[str, Any]]:
    """Wait for the runs (scene -> id); the last state of each by scene."""
    states: dict[str, dict[str, Any]] = {}
    with progress("training " + " and ".join(runs), 100) as bar:
        done = 0
        while len(states) < len(runs):
            time.sleep(0.2)
            shares = []
            for scene, run_id in runs.items():
                run = client.call("GET", f"/recommender/v1/models/{scene}/runs/{run_id}")
                shares.append(float(run["share"]) if run["state"] == "running" else 1.0)
                if run["state"] != "running":
                    states[scene] = run
            share = int(100 * sum(shares) / len(shares))
            bar.update(max(share - done, 0))
            done = max(share, done)
    return states
