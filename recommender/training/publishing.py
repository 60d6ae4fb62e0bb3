"""From a fitted model to a served version: the gate, the pin, and what was rolled back before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from plumbing.clock import Clock
from plumbing.words import Message
from recommender.errors import ArtifactError
from recommender.scene import AnyScene, DataCut, Trained
from recommender.store.forgotten import Mark
from recommender.store.shelves.contents import ARRAYS, contents_of
from recommender.store.shelves.errors import CurrentChanged
from recommender.store.shelves.protocol import Pointer
from recommender.store.version_notes import HELD_BACK, PUBLISHED, REFUSED, Note, Pin, VersionNotes
from recommender.store.version_rows import VersionRows
from recommender.store.versions import VersionStore, finite, is_same
from recommender.training.checks import shrunk
from recommender.training.gate.decide import Case, Live, Verdict, decide
from recommender.training.outcome import Outcome
from recommender.training.outcomes import sentence
from recommender.training.reading import Reading


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants this training."""

    seed: int
    accept_changed_data: bool = False
    renewed: Pin | None = None
    """The pinned version is made again from its own data, without those who were forgotten since."""


@dataclass(frozen=True)
class Publishing:
    """Of one tenant and scene, during one training."""

    tenant: str
    name: str
    scene: AnyScene
    rows: VersionRows
    notes: VersionNotes
    now_us: Clock
    keep: int

    @property
    def shelf(self) -> VersionStore:
        """The versions."""
        return self.rows.shelf(self.tenant, self.name)

    def live(self) -> Live | None:
        """The live version as a server loads it; None when there is none that can be read."""
        for name in self.shelf.candidates():
            try:
                version = self.shelf.load(name)
                arrays, _ = self.rows.served(self.tenant, self.name, version)
                model = self.scene.load(dict(arrays), dict(version.texts))
            except (ArtifactError, ValueError):
                continue
            note = self.notes.of(self.tenant, self.name, name)
            return Live(name, model, version.manifest, note.figures if note else {})
        return None

    def judged(
        self, reading: Reading, trained: Trained, live: Live | None, mark: Mark, wish: Wish
    ) -> tuple[Trained, Verdict]:
        """What the gate says; and the model with the profile of its log. Only reads."""
        earlier = live.profile if live else None
        looks = reading.looks(earlier, self.now_us())
        if looks is not None:
            trained = replace(trained, profile=looks.whole.to_json())
        case = Case(
            scene=self.scene,
            trained=trained,
            model=self.scene.load(dict(trained.arrays), dict(trained.texts)),
            live=live,
            seen=reading.asked.interactions,
            catalogue=reading.asked.catalogue,
            looks=looks,
            least_people=reading.asked.least_people,
            seed=wish.seed,
            now_us=self.now_us(),
            erased=self._erased(live.name, mark) if live else 0,
            accept_changed_data=wish.accept_changed_data or wish.renewed is not None,
            owed=self.rows.owes(self.tenant, self.name),
        )
        return trained, decide(case)

    def _erased(self, version: str, mark: Mark) -> int:
        """Lines that were erased since the version was trained."""
        before = self.rows.store.labels(self.tenant, self.name, version)
        return max(mark.lines - before.mark.lines, 0) if before else 0

    def publish(
        self, trained: Trained, cut: DataCut, wish: Wish, mark: Mark, verdict: Verdict, pointed: Pointer
    ) -> Outcome:
        """Publish, hold back or refuse. Nobody is forgotten meanwhile: whoever is, waits for the lock and finds
        the new version on the disk. `pointed` is what was live when the gate compared.

        Raises CurrentChanged: something else is live by now.
        """
        new, manifest, refused = self._weighed(trained, cut, wish, mark, verdict)
        parent, report = new.parent, new.report
        if refused is not None:
            return self._turned_away(refused, new.content, report, new.figures)
        if parent and parent == pointed.name and is_same(manifest, trained, seed=wish.seed, cut=cut):
            self.rows.label(self.tenant, self.name, parent, manifest["files"][ARRAYS], trained, mark)
            return Outcome.of("unchanged", Message.of("gate-unchanged", version=parent), report, version=parent)
        if back := self.notes.rolled_back_as(self.tenant, self.name, new.content):
            return Outcome.of("refused", Message.of("gate-rolled-back", version=back), report, gate=new.figures)
        pin = self._pin()
        if pin is not None and wish.renewed is None:
            return self._held_back(new, pin)
        return self._made_live(new, pointed, pin)

    def tried(
        self, trained: Trained, cut: DataCut, wish: Wish, mark: Mark, verdict: Verdict, pointed: Pointer
    ) -> Outcome:
        """What `publish` would do now. Changes nothing, and needs no lock."""
        new, manifest, refused = self._weighed(trained, cut, wish, mark, verdict)
        parent, report, figures = new.parent, new.report, new.figures
        back = self.notes.rolled_back_as(self.tenant, self.name, new.content)
        pin = self.notes.pin(self.tenant, self.name)
        if refused is None and back:
            refused = Message.of("gate-rolled-back", version=back)
        if refused is not None:
            return Outcome.of("refused", refused, report, gate=figures)
        if parent and parent == pointed.name and is_same(manifest, trained, seed=wish.seed, cut=cut):
            message = Message.of("training-would-change-nothing", version=parent)
        elif pin is not None and pin.version in self.shelf.names():
            message = Message.of("gate-held-back", version=pin.version, who=pin.who)
        else:
            message = Message.of("training-would-publish")
        return Outcome.of("tried", message, report, version=parent or "", gate=figures)

    def _weighed(
        self, trained: Trained, cut: DataCut, wish: Wish, mark: Mark, verdict: Verdict
    ) -> tuple[_New, Mapping[str, Any], Message | None]:
        """The candidate, the manifest of its parent, and why it is refused, if it is. Only reads."""
        shelf = self.shelf
        parent = next((v for v in shelf.candidates() if shelf.manifest(v)), None)
        manifest = (shelf.manifest(parent) if parent else None) or {}
        report, figures = finite(trained.report.to_dict()), finite(verdict.figures)
        content = contents_of(trained, wish.seed, cut)[1]["files"][ARRAYS]
        new = _New(trained, cut, wish, mark, parent, content, report, figures, verdict)
        return new, manifest, self._refused(manifest, parent, cut, mark, wish, verdict)

    def _pin(self) -> Pin | None:
        """Read after `current`. The pin of a version that is gone holds nothing."""
        pin = self.notes.pin(self.tenant, self.name)
        if pin is not None and pin.version not in self.shelf.names():
            self.notes.unpin(self.tenant, self.name)
            return None
        return pin

    def _refused(
        self,
        manifest: Mapping[str, Any],
        parent: str | None,
        cut: DataCut,
        mark: Mark,
        wish: Wish,
        verdict: Verdict,
    ) -> Message | None:
        if wish.renewed is None and not wish.accept_changed_data and parent:
            found = shrunk(cut, manifest.get("cut", {}), self._erased(parent, mark))
            if found is not None:
                return found
        return verdict.refused

    def _turned_away(
        self, refused: Message, content: str, report: Mapping[str, Any], figures: Mapping[str, Any]
    ) -> Outcome:
        """A candidate that was held back, and does not pass the gate now, says so in its row."""
        for name, note in self.notes.all(self.tenant, self.name).items():
            if note.state == HELD_BACK and note.content == content:
                changed = replace(note, state=REFUSED, message=refused, figures=figures)
                self.notes.note(self.tenant, self.name, replace(changed, version=name))
        return Outcome.of("refused", refused, report, gate=figures)

    def _held_back(self, new: _New, pin: Pin) -> Outcome:
        """One candidate is kept while a version is pinned, the newest."""
        message = Message.of("gate-held-back", version=pin.version, who=pin.who)
        notes = self.notes.all(self.tenant, self.name)
        for name, note in notes.items():
            if note.state in (HELD_BACK, REFUSED):
                if note.content == new.content and note.state == HELD_BACK and name in self.shelf.names():
                    return Outcome.of("held_back", message, new.report, version=name, gate=new.figures)
                self.shelf.drop(name)
        name = self.shelf.keep(
            new.trained, seed=new.wish.seed, cut=new.cut, parent=new.parent, before=self._labelled(new, HELD_BACK)
        )
        self._cleared()
        return Outcome.of("held_back", message, new.report, version=name, gate=new.figures)

    def _made_live(self, new: _New, pointed: Pointer, pin: Pin | None) -> Outcome:
        name = self._kept_already(new)
        if name is not None:
            self.shelf.point_at(name, pointed)
            self._note(new, name, PUBLISHED)
        else:
            name = self._added(new, pointed)
        if pin is not None:
            renewed = replace(pin, version=name, message=Message.of("versions-renewed", version=pin.version))
            self.notes.go_back(self.tenant, self.name, renewed, None)
        self._cleared()
        remark = new.verdict.remark
        return Outcome("published", sentence(remark.id, **remark.values), name, new.with_message, remark)

    def _added(self, new: _New, pointed: Pointer) -> str:
        """Raises CurrentChanged: the version is kept, held back."""
        try:
            return self.shelf.publish(
                new.trained,
                seed=new.wish.seed,
                cut=new.cut,
                parent=new.parent,
                keep=self.keep,
                before=self._labelled(new, PUBLISHED),
                expected=pointed,
            )
        except CurrentChanged as error:
            if error.kept is not None:
                self._note(new, error.kept, HELD_BACK)
            raise

    def _kept_already(self, new: _New) -> str | None:
        """A candidate that was held back, and is the same."""
        for name, note in self.notes.all(self.tenant, self.name).items():
            if note.state not in (HELD_BACK, REFUSED) or note.content != new.content:
                continue
            manifest = self.shelf.manifest(name) if name in self.shelf.names() else None
            if manifest and is_same(manifest, new.trained, seed=new.wish.seed, cut=new.cut):
                digest = str(manifest["files"][ARRAYS])
                self.rows.label(self.tenant, self.name, name, digest, new.trained, new.mark)
                return name
        return None

    def _labelled(self, new: _New, state: str) -> Any:
        def before(version: str, digest: str) -> None:
            self.rows.label(self.tenant, self.name, version, digest, new.trained, new.mark)
            self._note(new, version, state)

        return before

    def _note(self, new: _New, version: str, state: str) -> None:
        note = Note(version, state, new.content, self.now_us(), new.verdict.remark, new.figures)
        self.notes.note(self.tenant, self.name, note)

    def _cleared(self) -> None:
        self.shelf.prune(self.keep)
        self.rows.published(self.tenant, self.name)
        self.notes.keep_only(self.tenant, self.name, self.shelf.names())


@dataclass(frozen=True, slots=True)
class _New:
    """A candidate, with what is kept of it."""

    trained: Trained
    cut: DataCut
    wish: Wish
    mark: Mark
    parent: str | None
    content: str
    report: Mapping[str, Any]
    figures: Mapping[str, Any]
    verdict: Verdict

    @property
    def with_message(self) -> dict[str, Any]:
        """The report of the run."""
        message = self.verdict.remark
        return {
            **self.report,
            "message": {"id": message.id, "values": dict(message.values)},
            "gate": dict(self.figures),
        }
