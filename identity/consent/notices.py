"""The notice: what a customer reads before they decide, and the check that what they sent answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from identity.config import DOCUMENTS, PURPOSES, IdentityConfig
from identity.consent.notice_text import PLACES, Filling, NoticeText
from identity.consent.shelf import NoticeShelf, shipped_folder, texts_in
from identity.errors import (
    AgeNotConfirmed,
    LanguageUnknown,
    NoConsent,
    NoticeAltered,
    NoticeError,
    NoticeOutdated,
    PlaceUnknown,
    UnknownPurpose,
)
from plumbing.storage.documents import Documents

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a customer reads before they decide.

    `sha256` is of the text as it was shown; `template_sha256` of the published file that it was made from.
    `essentials` are its first two paragraphs. `purposes` has the text of each of LEDGER_PURPOSES. `controller` and
    `contact` are as they are shown: words of the text where the settings name none.
    """

    version: str
    language: str
    text: str
    sha256: str
    template_sha256: str
    place: str
    controller: str
    contact: str
    retention_months: int
    retention: str
    minimum_age: int
    withdrawal: str
    purposes: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()

    @property
    def essentials(self) -> str:
        """What happens, how long, how to stop, who is responsible."""
        return "\n\n".join(self.text.split("\n\n")[:2])


class Notices:
    """The notices of one installation: the published texts, filled with its settings."""

    def __init__(self, config: IdentityConfig) -> None:
        self._config = config
        self.shelf = NoticeShelf(config.home, Documents.of(config.state, DOCUMENTS))

    @classmethod
    def of(cls, config: IdentityConfig) -> Notices:
        """Reads nothing yet."""
        return cls(config)

    def current(
        self, language: str = DEFAULT_LANGUAGE, place: str | None = None, version: str | None = None
    ) -> Notice:
        """The notice that is asked for now, or the published `version`. `place` is one of PLACES; None: as set.

        Raises LanguageUnknown, PlaceUnknown, NoticeUnknown; NoticeAltered: nobody can join now.
        """
        try:
            wanted = version or self.shelf.published().current
            languages = self.languages(wanted)
            if language not in languages and wanted in self.shelf.published().versions:
                raise LanguageUnknown(language, languages)
            text = self.shelf.text(wanted, language)
        except OSError as error:  # a full disk at the very first start, for one
            raise NoticeAltered(f"The notice cannot be read: {type(error).__name__}.") from error
        return _filled(text, self._config, place, languages)

    def version(self) -> str:
        """The current version. Raises NoticeAltered. Costs one look at a file's date."""
        return self.shelf.published().current

    def languages(self, version: str | None = None) -> tuple[str, ...]:
        """What a version is written in: the screens' languages first."""
        published = self.shelf.published()
        return in_order(published.versions.get(version or published.current, {}))

    def remarks(self, grade: str) -> list[str]:
        """For readiness: why nobody can join, and what the notice has to leave open. `grade` is of the engine
        pack: with one for production, real people read who is responsible."""
        found = [remark] if (remark := self.remark()) else []
        unset = {"USUAL_ORGANISATION": self._config.organisation, "USUAL_CONTACT": self._config.contact}
        missing = [name for name, value in unset.items() if not value]
        if grade == "production" and missing:
            found.append(f"the notice does not say who is responsible: set {' and '.join(missing)}")
        return found

    def remark(self) -> str | None:
        """Why nobody can join now, as a part of a sentence; None when everybody can."""
        try:
            faults = self.shelf.faults(self.shelf.published().current)
        except NoticeError as error:
            faults = [error.detail]
        except OSError as error:
            faults = [f"the notice cannot be read ({type(error).__name__})"]
        if not faults:
            return None
        return f"joining is closed: {' '.join(faults).rstrip('.')}"


def in_order(languages: Mapping[str, object]) -> tuple[str, ...]:
    """English, German, Japanese, then the others by name."""
    first = {"en": 0, "de": 1, "ja": 2}
    return tuple(sorted(languages, key=lambda name: (first.get(name, 3), name)))


def shipped(config: IdentityConfig, language: str = DEFAULT_LANGUAGE, place: str | None = None) -> Notice:
    """The notice that comes with this release, filled with the settings; reads no home. Raises LanguageUnknown."""
    texts = texts_in(shipped_folder())
    if language not in texts:
        raise LanguageUnknown(language, texts)
    return _filled(texts[language], config, place, in_order(texts))


def _filled(text: NoticeText, config: IdentityConfig, place: str | None, languages: tuple[str, ...]) -> Notice:
    where = config.place if place is None else place
    if where not in PLACES:
        raise PlaceUnknown(where, PLACES)
    filling = Filling(config.organisation, config.contact, where, config.retention_months, config.minimum_age)
    shown, words = text.filled(filling), text.words(filling)
    return Notice(
        version=text.version,
        language=text.language,
        text=shown,
        sha256=hashlib.sha256(shown.encode()).hexdigest(),
        template_sha256=text.sha256,
        place=where,
        controller=words["controller"],
        contact=words["contact"],
        retention_months=config.retention_months,
        retention=words["retention"],
        minimum_age=config.minimum_age,
        withdrawal=words["stop"],
        purposes=text.purposes,
        languages=languages,
    )


def check_consent(
    purposes: Mapping[str, bool], *, notice_version: str, age_confirmed: bool, notice: Notice
) -> tuple[str, ...]:
    """The purposes that were agreed to. Called before any picture is decoded.

    Raises UnknownPurpose, NoConsent, NoticeOutdated or AgeNotConfirmed.
    """
    if set(purposes) - set(PURPOSES):
        raise UnknownPurpose
    given = tuple(name for name in PURPOSES if purposes.get(name) is True)
    if not given:
        raise NoConsent
    if notice_version != notice.version:
        raise NoticeOutdated(version=notice.version, languages=list(notice.languages))
    if age_confirmed is not True:
        raise AgeNotConfirmed
    return given
