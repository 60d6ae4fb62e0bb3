"""The identity half over HTTP, and how it is put together."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CollectorRegistry

from identity import moments as moments_tables
from identity import store as store_tables
from identity.audit import Audit
from identity.audit_seal import AuditSeal
from identity.config import PURPOSES, IdentityConfig
from identity.consent import PURPOSE_TEXTS
from identity.engines import FaceEngine
from identity.erasures import Erasures
from identity.errors import NotAnImage
from identity.gallery import Galleries
from identity.keyfile import KeyFile, master_keys
from identity.metrics import Metrics
from identity.moments import Moments
from identity.passive import Passive
from identity.pins import Pins
from identity.presses import Presses
from identity.service import Device, Recognition, Service
from identity.sides import renew_all, sides_of
from identity.store import Store, named_when_full
from identity.vault import Vault
from identity.web_models import (
    BASE,
    EnrolmentBody,
    EnrolmentReply,
    ForgottenReply,
    NoticeReply,
    NotMeBody,
    OptOutReply,
    PinBody,
    PressBody,
    PressReply,
    RaiseBody,
    RaiseReply,
    ReceiptPath,
    RecognitionBody,
    RecognitionReply,
)
from identity.workers import Launch, Workers
from plumbing import idempotency, limits
from plumbing.access import Access, Caller
from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.database import Database, DatabaseBusy
from plumbing.idempotency import Idempotency, Reply
from plumbing.limits import Limits

__all__ = ["IdentityHalf", "RecognitionBody", "RecognitionReply", "build", "recognition_reply"]

Work = Callable[[Caller], Reply]
RECOGNITION_BYTES = 1_000  # of every answer to a recognition, hit or miss
OPT_OUT_BYTES = 200
REPLIES_US = 10 * MINUTE  # how long an answer can be asked for again: as long as a token is good


@dataclass(frozen=True)
class IdentityHalf:
    """What the doorway gets."""

    config: IdentityConfig
    service: Service
    store: Store
    vault: Vault
    galleries: Galleries
    audit: Audit
    blueprint: APIBlueprint
    databases: tuple[Database, ...]
    workers: Workers | None

    @property
    def passive(self) -> Passive | None:
        """The passive liveness model that is plugged in."""
        return self.service.passive

    @property
    def _running(self) -> list[Workers]:
        """What runs in processes of its own."""
        passive = None if self.passive is None else self.passive.workers
        return [workers for workers in (self.workers, passive) if workers is not None]

    def warm(self) -> None:
        """Start the engine pack and open the galleries, or the first customer would wait for them.

        Raises EngineUnavailable.
        """
        self.service.warm()
        for workers in self._running:
            workers.start()

    def check(self) -> str | None:
        """Readiness: None when the database answers and the engine pack runs, else a sentence."""
        try:
            self.store.galleries("")
        except (DatabaseBusy, OSError) as error:
            return f"identity's database does not answer: {error}"
        return next((trouble for workers in self._running if (trouble := workers.trouble())), None)

    def close(self) -> None:
        """Only when no request is running any more."""
        for database in self.databases:
            database.close()
        self.vault.keys.close()
        self.audit.close()
        for workers in self._running:
            workers.close()


def build(
    config: IdentityConfig,
    *,
    access: Access,
    now_us: Clock,
    forget_elsewhere: Callable[[str], None],
    registry: CollectorRegistry | None = None,
    engine: FaceEngine | None = None,
) -> IdentityHalf:
    """Open what lies under `config.home` and put the routes together. Starts nothing.

    `forget_elsewhere` hands an erasure token to the recommender; it raises a Problem or OSError when it cannot,
    and is called again later. `engine` takes the place of the pack that the configuration names (tests).
    """
    master = config.master_file or config.home / "master.key"
    workers = None
    if engine is None:
        engine = workers = Workers(Launch(config.pack, config.models_folder, config.cache), config.engines)
    passive = None if config.liveness is None else Passive(config.liveness, config.models_folder, config.cache)
    lasting = Database(config.home / "identity.db", store_tables.migrations)
    passing = _passing_database(config.home / "identity-moments.db")
    vault = Vault(KeyFile(config.home / "identity-keys", lambda: master_keys(master)))
    store, moments, metrics = Store(lasting), Moments(passing), Metrics(registry or CollectorRegistry())
    seal = AuditSeal(config.home / "identity-audit-head", vault.keys)
    audit = Audit(config.home / "identity-audit.log", now_us, seal)
    clear, masked = sides_of(store, vault, engine.pack, config.promise, now_us)
    erasures = Erasures(
        store=store,
        moments=moments,
        vault=vault,
        audit=audit,
        metrics=metrics,
        config=config,
        now_us=now_us,
        forget_elsewhere=forget_elsewhere,
        shrunk=partial(renew_all, (clear, masked)),
    )
    service = Service(
        config=config,
        engine=engine,
        store=store,
        vault=vault,
        presses=Presses(moments, config, now_us),
        limits=Limits(passing, now_us),
        clear=clear,
        masked=masked,
        passive=passive,
        pins=Pins(store, vault, config, now_us),
        erasures=erasures,
        audit=audit,
        metrics=metrics,
        now_us=now_us,
    )
    once = Idempotency(passing, base64.urlsafe_b64encode(vault.keys.derive("replies")), now_us, keep_us=REPLIES_US)
    api = _blueprint(service, Door(access, once, vault.keys.derive("fingerprints")))
    return IdentityHalf(config, service, store, vault, clear.galleries, audit, api, (lasting, passing), workers)


def _passing_database(path: Path) -> Database:
    """For what is needed for minutes: presses, limits, kept replies."""
    tables = (moments_tables.migrations, limits.migrations, idempotency.migrations)
    return Database(path, *tables, durable=False)


@dataclass(frozen=True)
class Door:
    """What every route does before and after its own work."""

    access: Access
    once: Idempotency
    secret: bytes

    def answer(self, scope: str, work: Work, *told: str) -> Response:
        """Authenticate, do `work` (once per Idempotency-Key) and make the response.

        `told` is what was asked, without frames: the nonce stands for them.
        """
        caller = self.access.authenticate(request, scope)
        name = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        asked = json.dumps([request.path, *told]).encode()
        # Keyed, because what is asked may be a PIN.
        fingerprint = hmac.digest(self.secret, asked, hashlib.sha256).hex()
        with named_when_full():
            reply = self.once.run(caller, name, fingerprint, lambda: work(caller))
        content = json.dumps(reply.body, separators=(",", ":")) if reply.status != 204 else ""
        response = Response(content, status=reply.status, mimetype="application/json")
        response.headers["Cache-Control"] = "no-store"
        return response


def recognition_reply(half: IdentityHalf, caller: Caller, body: RecognitionBody) -> dict[str, Any]:
    """What a recognition answers; the doorway puts suggestions beside it."""
    return _recognised(half.service, caller, body)


def _recognised(service: Service, caller: Caller, body: RecognitionBody) -> dict[str, Any]:
    pictures, moves = _pictures(body.frames), _pictures(body.moves)
    seen: Recognition = service.recognise(_device(caller), body.nonce, pictures, moves)
    told = {
        "decision": seen.decision,
        "token": seen.token,
        "expires_at": None if seen.expires_us is None else iso(seen.expires_us),
        "purposes": list(seen.purposes),
        "hint": seen.hint,
        "liveness": seen.liveness,
    }
    return padded(told, RECOGNITION_BYTES)


def _blueprint(service: Service, door: Door) -> APIBlueprint:
    api = APIBlueprint(
        "identity",
        __name__,
        url_prefix=BASE,
        abp_tags=[Tag(name="identity", description="Press, recognise, enrol, opt out")],
    )
    _recognition_routes(api, service, door)
    _enrolment_routes(api, service, door)
    return api


def _recognition_routes(api: APIBlueprint, service: Service, door: Door) -> None:
    @api.post("/presses", responses={"201": PressReply}, summary="The customer pressed: a nonce for one look")
    def press(body: PressBody) -> Response:
        def work(caller: Caller) -> Reply:
            nonce, expires_us = service.press(_device(caller))
            moves = list(service.challenge(nonce)) if service.config.asks_for_moves else []
            return Reply(201, {"nonce": nonce, "expires_at": iso(expires_us), "challenge": moves})

        return door.answer("identify", work)

    @api.post("/recognitions", responses={"200": RecognitionReply}, summary="Who pressed, as an opaque token")
    def recognise(body: RecognitionBody) -> Response:
        return door.answer("identify", lambda caller: Reply(200, _recognised(service, caller, body)), body.nonce)

    @api.post("/tokens/raise", responses={"200": RaiseReply}, summary="A token and a PIN: a token of higher level")
    def raise_level(body: RaiseBody) -> Response:
        def work(caller: Caller) -> Reply:
            raised = service.raise_level(_device(caller), body.token, body.pin)
            told = {"token": raised.token, "expires_at": iso(raised.expires_us or 0)}
            return Reply(200, told | {"purposes": list(raised.purposes)})

        return door.answer("identify", work, body.token, body.pin)

    @api.post("/not-me", responses={"204": None}, summary="That greeting was for somebody else: never again so")
    def not_me(body: NotMeBody) -> Response:
        def work(caller: Caller) -> Reply:
            service.not_me(_device(caller), body.token)
            return Reply(204, {})

        return door.answer("identify", work, body.token)

    @api.post("/opt-outs", responses={"200": OptOutReply}, summary="Opt out by face: at once, for good")
    def opt_out(body: RecognitionBody) -> Response:
        def work(caller: Caller) -> Reply:
            found = service.forget_face(_device(caller), body.nonce, _pictures(body.frames))
            return Reply(200, padded({"decision": "forgotten" if found else "unknown"}, OPT_OUT_BYTES))

        return door.answer("identify", work, body.nonce)


def _enrolment_routes(api: APIBlueprint, service: Service, door: Door) -> None:
    @api.get("/notice", responses={"200": NoticeReply}, summary="What a customer reads before they decide")
    def notice() -> Response:
        def work(_: Caller) -> Reply:
            now = service.notice
            told = {"version": now.version, "sha256": now.sha256, "text": now.text}
            told_purposes = [{"name": name, "text": PURPOSE_TEXTS[name]} for name in PURPOSES]
            kept = {"retention_months": now.retention_months, "minimum_age": now.minimum_age}
            return Reply(200, told | {"purposes": told_purposes, "grade": service.engine.pack.grade} | kept)

        return door.answer("enrol", work)

    @api.post("/enrolments", responses={"201": EnrolmentReply}, summary="Enrol the person at the device")
    def enrol(body: EnrolmentBody) -> Response:
        def work(caller: Caller) -> Reply:
            made = service.enrol(
                _device(caller),
                body.nonce,
                _pictures(body.frames),
                purposes=body.consent.purposes,
                notice_version=body.consent.notice_version,
                age_confirmed=body.consent.age_confirmed,
                somebody_else=body.somebody_else,
                earlier=body.earlier,
            )
            told = {"receipt": made.receipt, "purposes": list(made.purposes)}
            setup = {"secret": made.pin_secret, "expires_at": iso(made.pin_until_us)}
            return Reply(201, told | {"notice_version": made.notice_version, "pin_setup": setup})

        return door.answer(
            "enrol", work, body.nonce, body.consent.model_dump_json(), str(body.somebody_else), body.earlier or ""
        )

    @api.put("/enrolments/<receipt>/pin", responses={"204": None}, summary="Set the PIN, once")
    def set_pin(path: ReceiptPath, body: PinBody) -> Response:
        def work(caller: Caller) -> Reply:
            service.set_pin(_device(caller), path.receipt, body.secret, body.pin)
            return Reply(204, {})

        return door.answer("enrol", work)

    @api.delete("/enrolments/<receipt>", responses={"200": ForgottenReply}, summary="Opt out by receipt")
    def forget(path: ReceiptPath) -> Response:
        def work(caller: Caller) -> Reply:
            everywhere = service.forget(_device(caller), path.receipt)
            return Reply(200, {"forgotten": True, "everywhere": everywhere})

        return door.answer("enrol", work)


def iso(time_us: int) -> str:
    """Microseconds UTC as ISO 8601 with offset, always of the same length."""
    return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat(timespec="microseconds")


def padded(told: Mapping[str, Any], size: int) -> dict[str, Any]:
    """`told` with as much `padding` as its JSON needs to have `size` bytes."""
    plain = dict(told) | {"padding": ""}
    missing = size - len(json.dumps(plain, separators=(",", ":")).encode())
    if missing < 0:
        raise ValueError(f"an answer of {size - missing} bytes does not fit into {size}")
    return plain | {"padding": "." * missing}


def _device(caller: Caller) -> Device:
    return Device(caller.tenant, caller.device)


def _pictures(frames: Sequence[str]) -> list[bytes]:
    """The bytes of base64 texts. Raises NotAnImage."""
    try:
        return [base64.b64decode(text, validate=True) for text in frames]
    except (binascii.Error, ValueError) as error:
        raise NotAnImage("A picture is sent as base64 of a JPEG, PNG or WebP file.") from error
