"""`usual identity`: the operator's commands. None of them shows a face, a name or a template."""

from __future__ import annotations

import base64
import secrets
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import click
import numpy as np

from identity.audit.log import Audit
from identity.audit.seal import HeadForged, opened
from identity.cli.cohort import Cohort
from identity.cli.models import cache_option, folder_option
from identity.config import config_of
from identity.customers.rotation import renew_templates
from identity.engines.load import open_pack
from identity.engines.manifests import Pack, load_pack, masked_id, masked_pack
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.errors import PackMissing
from identity.evaluation.curve import Scored, in_words
from identity.evaluation.identification import interval
from identity.evaluation.plot import draw_curve
from identity.matching.gallery import Galleries
from identity.matching.thresholds import ONE_FRAME, Vectors
from identity.sandbox.decoder import Decoder
from identity.sandbox.decoding import PHOTOS
from identity.service import Device
from identity.vault.keyfile import KEY_BYTES, master_keys
from identity.web.half import IdentityHalf, build
from plumbing.access.token_keys import TokenKeys
from plumbing.cli import LazyGroup, home_option, open_access, progress_bar, state_of, tenant_option
from plumbing.clock import SECOND, system_clock
from plumbing.problem_json import Problem
from plumbing.settings import Config
from plumbing.shared import kept_replies
from plumbing.storage.files import write_atomic

Command = TypeVar("Command", bound=Callable[..., object])
LEAST_GREETINGS = 100  # with fewer the interval is too wide to be useful: 0 of 100 still means up to 3.7 %


class NotWiredHere(Problem):
    """This command cannot hand an erasure over to the recommender; a running server does so within a second."""

    code = "not_wired_here"
    what_to_do = "Start the server: it does this by itself."


@dataclass(frozen=True)
class ManifestOnly:
    """A `FaceEngine` with a manifest but without networks, for commands that process no picture."""

    pack: Pack

    def detect(self, pixels: Pixels) -> list[Face]:
        """Raises PackMissing."""
        raise PackMissing("No engine was loaded.")

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """Raises PackMissing."""
        raise PackMissing("No engine was loaded.")


def open_half(home: Path, pack: str, engine: FaceEngine | None = None) -> IdentityHalf:
    """The identity half of a state folder, for commands. The doorway hands in how an erasure is handed over."""

    def later(_: str) -> None:
        raise NotWiredHere("The server passes it on.")

    context = click.get_current_context(silent=True)
    known = (context.find_object(dict) if context else None) or {}
    keys = TokenKeys(home, system_clock)
    # The settings of the server: a command with another retention would forget other customers.
    settings = Config.from_environment().model_copy(update={"home": home, "pack": pack, "liveness": None})
    config = config_of(settings, keys)
    return build(
        config,
        access=open_access(home),
        now_us=system_clock,
        forget_elsewhere=known["hand_over"](home, keys) if "hand_over" in known else later,
        waiting=known["waiting"](home, keys) if "waiting" in known else None,
        replies=(kept_replies(state_of(home), system_clock),),
        copies=known["copies"](home) if "copies" in known else None,
        engine=engine or ManifestOnly(load_pack(pack)),
    )


pack_option = click.option(
    "--pack", default="dlib", show_default=True, envvar="USUAL_PACK", help="The engine pack of the gallery."
)


def false_matches(audit: Audit, tenant: str) -> str:
    """The live false-match rate as text: the share of customers greeted by face who answered "not me"."""
    greeted, denied = audit.count(tenant, "recognise", "matched"), audit.count(tenant, "not_me", "flagged")
    counted = f'"not me" to {denied} of {greeted} greetings'
    if greeted < LEAST_GREETINGS:
        return f"{counted}: not enough for a rate yet, {LEAST_GREETINGS - greeted} more greetings"
    share = min(1.0, denied / greeted)
    low, high = interval(share, greeted)
    return f"{counted}: live false-match rate {share:.2%} (95 %: {low:.2%} to {high:.2%})"


@click.group(cls=LazyGroup)
def identity() -> None:
    """Enrolments, keys, thresholds and the audit log."""


assert isinstance(identity, LazyGroup)
identity.add_lazily("held", "identity.cli.held:held")
identity.add_lazily("regions", "identity.cli.regions:regions")


@identity.command()
@home_option
@pack_option
def status(home: Path, pack: str) -> None:
    """Show galleries, active consents, thresholds, "not me" answers, keys, and the state of the audit log."""
    half = open_half(home, pack)
    with_rate: set[str] = set()
    for tenant, name, state in half.stores.galleries.galleries():
        consents = half.stores.consents.consent_counts(tenant)
        active = ", ".join(f"{purpose} {count}" for purpose, count in sorted(consents.items())) or "none"
        click.echo(f"{tenant}: {state.size} templates of {name}; active consents: {active}")
        made = half.stores.thresholds.calibration(tenant, name, ONE_FRAME)
        threshold = "not calibrated: everybody is a guest"
        if made is not None:
            asked = " (of vectors)" if made.get("path") == "vectors" else ""
            threshold = f"threshold {made['threshold']:.3f}{asked} for {made['gallery_size']} templates"
        click.echo(f"    {threshold}")
        if tenant not in with_rate:
            click.echo(f"    {false_matches(half.audit, tenant)}")
            with_rate.add(tenant)
    counts = half.vault.keys.counts()
    if waiting := half.service.customers.held.waiting():
        click.echo(f"opt-outs: {len(waiting)} wait for a member of staff (usual identity held)")
    click.echo(f"keys: {counts['keys']} in use, {counts['free']} free, {counts['erasures']} erasures unfinished")
    for sentence in half.audit.examined().in_words():
        click.echo(f"audit: {sentence}")
    half.close()


@identity.command()
@home_option
@click.option(
    "--restart", is_flag=True, help="Archive the chain and start a new one, after a fault was investigated."
)
@click.option(
    "--kept", "copy", metavar="FILE", type=click.File("rb"), help="An earlier copy of `identity-audit-head`."
)
def audit(home: Path, restart: bool, copy: BinaryIO | None) -> None:
    """Verify the audit log: altered, deleted, inserted, reordered, truncated, rewritten. Exit status 1 if it is.

    An earlier copy of the head, stored elsewhere, reveals every change since then; the public key proves that the
    head was signed by this installation.
    """
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    if restart:
        click.echo(f"The chain so far is in {half.audit.restart()}.")
    seal = half.audit.seal
    try:
        earlier = None if copy is None or seal is None else opened(copy.read(), seal.public)
    except HeadForged as error:
        raise click.ClickException(f"The copy of the head cannot be used: {error}.") from error
    found = half.audit.examined(earlier)
    for sentence in found.in_words():
        click.echo(sentence)
    if seal is not None:
        head = seal.path.read_bytes().decode("ascii", "replace").strip() if seal.path.exists() else "none"
        click.echo(f"head: {head}")
        click.echo(f"public key: {seal.public.hex()}")
    half.close()
    if found.faults:
        raise SystemExit(1)


@identity.command("confirm-clock")
@home_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm_clock(home: Path, yes: bool) -> None:
    """Say that the machine's clock is right, after it jumped: retention goes on from there.

    Nobody is erased because of a clock alone: after a jump those who stopped coming are kept until this.
    """
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    erasures = half.service.erasures
    moment = datetime.fromtimestamp(system_clock() / SECOND, UTC).isoformat(" ", "seconds")
    click.echo(f"The clock says {moment} (UTC).")
    if remark := erasures.retention.remark():
        click.echo(f"Seen until now: {remark}.")
    click.echo(f"If that is right, {erasures.due_by_the_clock()} customers who stopped coming will be forgotten.")
    confirmed = yes or click.confirm("Is it right?")
    if confirmed:
        erasures.confirm_clock()
    half.close()
    click.echo("Confirmed." if confirmed else "Nothing was changed.")


@identity.command()
@home_option
@tenant_option
@pack_option
@click.argument("receipt")
def forget(home: Path, tenant: str, pack: str, receipt: str) -> None:
    """Opt out the holder of RECEIPT, with immediate effect, also in a running server.

    With `-` in its place the receipt is read from standard input: other users of the machine see the words of a
    command.
    """
    receipt = sys.stdin.readline().strip() if receipt == "-" else receipt
    half = open_half(home, pack)
    erasure = half.service.opt_out(Device(tenant, "command line"), receipt)
    half.close()
    rest = "" if erasure.everywhere else " The server informs the recommender as soon as it is reached."
    click.echo(f"Forgotten: the key is destroyed.{rest}")
    click.echo(f"Receipt of the erasure: {erasure.id} (usual erasures show|verify {erasure.id}).")


@identity.command()
@home_option
@pack_option
@click.option("--templates/--no-templates", default=True, help="Also rotate the templates of every gallery.")
def rotate(home: Path, pack: str, templates: bool) -> None:
    """Make a new master key and new template rotations; customers need not be present. Safe to interrupt and
    repeat."""
    master = home / "master.key"
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES))
    half = open_half(home, pack)
    earlier = [base64.urlsafe_b64encode(key) for key in master_keys(master)]
    # Both keys are in the file until every slot is wrapped again: after an interruption everything is readable.
    write_atomic(master, b"\n".join([fresh, *earlier]) + b"\n", mode=0o600)
    count = half.vault.keys.rewrap()
    write_atomic(master, fresh + b"\n", mode=0o600)
    click.echo(f"{count} secrets wrapped by a new master key.")
    if templates:
        renewed = sum(
            renew_templates(half.stores, half.vault, half.galleries, half.service.engine.pack, tenant)
            for tenant, name, _ in half.stores.galleries.galleries()
            if name == half.service.engine.pack.id
        )
        # The templates for masked faces are rotated as well.
        masked = masked_pack(half.service.engine.pack)
        if masked is not None:
            galleries = Galleries(half.stores.galleries, half.vault, masked.id, masked.size)
            renewed += sum(
                renew_templates(half.stores, half.vault, galleries, masked, tenant)
                for tenant, name, _ in half.stores.galleries.galleries()
                if name == masked.id
            )
        click.echo(f"{renewed} templates have a new rotation.")
    half.close()


@identity.command()
@home_option
@click.argument("old", metavar="PACK@VERSION")
@click.option("--yes", is_flag=True, help="Do it although the pack is in use: everybody is a guest then.")
def retire(home: Path, old: str, yes: bool) -> None:
    """Erase every template of an engine pack that is no longer used, also those for masked faces. Customers,
    history and receipts stay."""
    if old == load_pack(Config.from_environment().pack).id and not yes:
        raise click.ClickException(
            f"{old} is the pack in use (USUAL_PACK): without its templates everybody is a guest until they enrol"
            " again. Set USUAL_PACK to the new pack first, or say --yes if that is meant."
        )
    half = open_half(home, "dlib")  # any pack will do: no picture is processed
    count = sum(half.stores.galleries.retire_pack(pack) for pack in (old, masked_id(old)))
    half.close()
    click.echo(f"{count} templates of {old} erased. These customers can enrol again on their next visit.")


@identity.command()
@home_option
@tenant_option
@pack_option
@folder_option
@cache_option
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="DIR/<person>/<picture>: strangers who consented, three pictures or more of each.",
)
@click.option(
    "--vectors",
    type=click.Path(exists=True, path_type=Path),
    help="The same for devices that send vectors: DIR/<person>/<picture> as their cameras give them"
    " (docs/kiosk.md); or an .npz file: the `vectors` (n, d) that a device of your own made, and whose each is:"
    " `people` (n).",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the curve into this PNG file.")
def calibrate(
    home: Path,
    tenant: str,
    pack: str,
    folder: Path | None,
    cache: Path,
    images: Path | None,
    vectors: Path | None,
    plot: Path | None,
) -> None:
    """Recompute the tenant's threshold and show its effect: strangers greeted, customers missed.

    With --images or --vectors it is measured on these strangers, otherwise on the scores of the site's own
    enrolments against each other. Strangers are people who are no customers of the site, 200 or more, who agreed
    to it. Where both were measured the higher threshold holds. Pictures may be as large as phones make them; each
    file that is not used is named, and why. Only numbers computed from scores are stored: no picture, no template.
    """
    if images is not None and vectors is not None:
        raise click.ClickException("One after the other: run it with --images, then with --vectors.")
    pictures = images or (vectors if vectors is not None and vectors.is_dir() else None)
    half = open_half(home, pack, None if pictures is None else open_pack(pack, folder, cache))
    try:
        scores: Scored | None
        if pictures is not None:
            scores = _measured(half, tenant, pictures, of_devices=vectors is not None)
        elif vectors is not None:
            scores = half.calibrator.calibrate_on_vectors(tenant, vectors_in(vectors, half))
        else:
            scores = half.calibrator.own_scores(tenant)
        made = half.calibrator.threshold(tenant)
    except ValueError as error:
        raise click.ClickException(f"{error}.") from error
    finally:
        half.close()
    if made is None:
        click.echo("There is no data for a threshold yet: everybody is a guest.")
    else:
        click.echo(f"Threshold {made:.3f}")
        if scores is not None:
            click.echo(in_words(scores, made))
    if plot is not None and scores is not None:
        write_atomic(plot, draw_curve(scores, made))
        click.echo(f"The curve is in {plot}.")


def vectors_in(file: Path, half: IdentityHalf) -> list[Vectors]:
    """The vectors of each person in an .npz file. Raises ValueError: it has another form."""
    size = half.service.engine.pack.size
    try:
        with np.load(file, allow_pickle=False) as found:
            vectors, people = found["vectors"], found["people"]
    except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{file.name} is no .npz file with `vectors` and `people`") from error
    if vectors.ndim != 2 or vectors.shape[1] != size or people.shape != (len(vectors),):
        raise ValueError(f"`vectors` is (n, {size}) for this pack, and `people` (n)")
    return [vectors[people == one] for one in np.unique(people)]


def _measured(half: IdentityHalf, tenant: str, images: Path, *, of_devices: bool) -> Scored:
    """Measure a tenant's tails on strangers' pictures, and say which of them were not used. `of_devices`: they are
    what devices that send vectors see."""
    cohort, decoder = Cohort.of(images), Decoder(work=PHOTOS)
    calibrator = replace(half.calibrator, decode=decoder.decode)
    try:
        decoder.start()
        with progress_bar("strangers", cohort.count, unit=" files") as bar:
            measure = calibrator.calibrate_on_pictures
            if of_devices:
                measure = calibrator.calibrate_on_pictures_of_devices
            return measure(tenant, cohort.people(bar.update), cohort.refused)
    finally:
        decoder.close()
        if cohort.is_read:
            click.echo("\n".join(cohort.in_words()))
