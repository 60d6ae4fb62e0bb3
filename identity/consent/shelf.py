"""Published notices: `notices/<version>/<language>.md` under the home, and the list of their hashes.

`published.json` is written last, so a version is published wholly or not at all. A file that no longer has its
hash in the list is not shown to anybody: whoever changes a text gives it a new version and publishes that.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from identity.consent.notice_text import LANGUAGE, VERSION, NoticeText, differences
from identity.errors import NoticeAltered, NoticeChanged, NoticeIncomplete, NoticeUnknown
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.documents import Documents, SharedFolder
from plumbing.storage.files import process_lock, write_atomic
from plumbing.storage.room import DiskFull

TEXTS = Path(__file__).parent / "texts"
"""The texts that come with the product, a folder for each version; one version is shipped."""

FORMAT = "usual-published-notices-1"
LIST = "published.json"
LOCK = ".lock"
SHOWN = "shown"
_MEND = (
    "Put the published files back, or publish the new text under a version of its own: `usual notices publish`."
)


@dataclass(frozen=True, slots=True)
class Published:
    """What the list says: the current version, and the hash of each file by version and language."""

    current: str
    versions: Mapping[str, Mapping[str, str]]


def texts_in(folder: Path) -> dict[str, NoticeText]:
    """The texts of one version, by language. Raises NoticeIncomplete: with all that is wrong with any of them."""
    texts: dict[str, NoticeText] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.md")):
        try:
            texts[path.stem] = NoticeText.parse(path.read_bytes(), path.stem)
        except NoticeIncomplete as error:
            faults += error.extra["faults"]
    faults += differences(texts) if not faults else []
    if faults:
        raise NoticeIncomplete(faults)
    return texts


def shipped_folder() -> Path:
    """The folder of the texts that come with this release."""
    return next(path for path in sorted(TEXTS.iterdir()) if path.is_dir())


class NoticeShelf:
    """The published versions under `home`. Safe with several processes."""

    def __init__(self, home: Path, documents: Documents | None = None) -> None:
        """`documents` keep the folder the same on all replicas."""
        self.folder = home / "notices"
        self._documents = documents
        self._shared: SharedFolder | None = None
        self._read: tuple[int, int, Published] | None = None

    def published(self) -> Published:
        """What is published. The shipped texts are published first where nothing ever was.

        Raises NoticeAltered: the list is missing or damaged. Costs one look at the file's date.
        """
        path = self.folder / LIST
        if (shared := self._sharing()) is not None:
            shared.fetch()
        try:
            seen = path.stat()
        except FileNotFoundError:
            self._begin()
            seen = path.stat()
        if self._read is None or self._read[:2] != (seen.st_mtime_ns, seen.st_ino):
            self._read = (seen.st_mtime_ns, seen.st_ino, _read_list(path))
        return self._read[2]

    def text(self, version: str, language: str) -> NoticeText:
        """A published text, checked against the list each time. Raises NoticeUnknown or NoticeAltered.

        The language must be one of the version's.
        """
        published = self.published()
        if version not in published.versions:
            raise NoticeUnknown(version, published.versions)
        if fault := self._fault(version, language, published.versions[version][language]):
            raise NoticeAltered(f"{fault} {_MEND}")
        return NoticeText.parse((self.folder / version / f"{language}.md").read_bytes(), language)

    def faults(self, version: str) -> list[str]:
        """What is wrong with a published version: a sentence for each file, and for what differs."""
        hashes = self.published().versions.get(version, {})
        found = [fault for language in hashes if (fault := self._fault(version, language, hashes[language]))]
        extra = {path.stem for path in (self.folder / version).glob("*.md")} - set(hashes)
        found += [f"{version}/{name}.md was never published." for name in sorted(extra)]
        if not found:
            try:
                texts_in(self.folder / version)
            except NoticeIncomplete as error:  # published by another release, with other rules
                found = error.extra["faults"]
        return found

    def _fault(self, version: str, language: str, sha256: str) -> str | None:
        path = self.folder / version / f"{language}.md"
        try:
            same = hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        except OSError:
            return f"{version}/{language}.md was published and cannot be read."
        return None if same else f"{version}/{language}.md was changed after it was published."

    def keep_shown(self, sha256: str, text: str) -> None:
        """Keep a text as it was shown, with the settings filled in, under its hash, which records of consent name.

        A few files in all. A full disk stops nobody from joining: the next one who reads it keeps it.
        """
        path = self.folder / SHOWN / f"{sha256}.md"
        if not path.exists():
            with contextlib.suppress(OSError, DatabaseBusy, DiskFull), self._changing():
                write_atomic(path, text.encode())

    def shown(self, sha256: str) -> str:
        """The text with that hash, as it was shown. Raises NoticeUnknown, or NoticeAltered when it was changed."""
        if (shared := self._sharing()) is not None:
            shared.fetch()
        path = self.folder / SHOWN / f"{sha256}.md"
        known = {one.stem for one in path.parent.glob("*.md")}
        if sha256 not in known:
            raise NoticeUnknown(sha256, known, by="SHA256")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise NoticeAltered(f"notices/{SHOWN}/{path.name} was changed after it was shown.")
        return content.decode()

    def publish(self, folder: Path) -> str:
        """Publish the texts in `folder` and make their version the current one; returns the version.

        The same texts again change nothing but which version is current. Raises NoticeIncomplete or NoticeChanged;
        then nothing is published.
        """
        texts = texts_in(folder)
        with self._changing():
            exists = (self.folder / LIST).exists()
            return self._publish(texts, folder, _read_list(self.folder / LIST) if exists else Published("", {}))

    def _sharing(self) -> SharedFolder | None:
        if self._shared is None and self._documents is not None:
            self._shared = self._documents.folder(self.folder, whole=(self.folder / LIST).exists)
        return self._shared

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Inside, no other process of any replica changes the folder."""
        shared = self._sharing()
        self.folder.mkdir(parents=True, exist_ok=True)
        with process_lock(self.folder / LOCK), contextlib.nullcontext() if shared is None else shared.changing():
            yield

    def _publish(self, texts: Mapping[str, NoticeText], folder: Path, before: Published) -> str:
        version = texts["en"].version
        hashes = {language: text.sha256 for language, text in texts.items()}
        target = self.folder / version
        if before.versions.get(version, hashes) != hashes:
            raise NoticeChanged(
                f"Version {version} was published with another text. Give the changed text a version of its own,"
                " in the header of every language."
            )
        contents = {f"{language}.md": (folder / f"{language}.md").read_bytes() for language in texts}
        for name, content in contents.items():
            if hashlib.sha256(content).hexdigest() != hashes[name.removesuffix(".md")]:
                raise NoticeChanged(f"{name} changed while it was read. Publish it again.")
        target.mkdir(exist_ok=True)
        for path in target.glob("*.md"):  # of an attempt that was interrupted
            if path.name not in contents:
                path.unlink()
        for name, content in contents.items():
            write_atomic(target / name, content)
        listed = {"format": FORMAT, "current": version, "versions": {**before.versions, version: hashes}}
        write_atomic(self.folder / LIST, (json.dumps(listed, indent=1, sort_keys=True) + "\n").encode())
        return version

    def _begin(self) -> None:
        """Publish the shipped texts where nothing was published. Raises NoticeAltered when texts lie there that
        are not listed and are not the shipped ones."""
        shipped = shipped_folder()
        texts = texts_in(shipped)
        with self._changing():
            if (self.folder / LIST).exists():
                return  # another process was first
            ours = {path.name: path.read_bytes() for path in shipped.glob("*.md")}
            for path in self.folder.glob("*/*.md"):
                if path.parent.name == SHOWN:
                    continue
                if path.parent.name != shipped.name or ours.get(path.name) != path.read_bytes():
                    raise NoticeAltered(f"notices/{LIST} is missing beside published texts. {_MEND}")
            self._publish(texts, shipped, Published("", {}))


def _read_list(path: Path) -> Published:
    try:
        content = json.loads(path.read_bytes())
        versions = {
            str(version): {str(language): str(sha256) for language, sha256 in hashes.items()}
            for version, hashes in content["versions"].items()
        }
        made = Published(str(content["current"]), versions)
    except (ValueError, KeyError, TypeError, AttributeError):
        made = Published("", {})
    names_fit = all(
        VERSION.fullmatch(version) and all(LANGUAGE.fullmatch(language) for language in hashes)
        for version, hashes in made.versions.items()
    )
    if not names_fit or made.current not in made.versions:
        raise NoticeAltered(f"notices/{LIST} cannot be read. Put back the last whole one.")
    if content.get("format") != FORMAT:
        raise NoticeAltered(f"notices/{LIST} is of another release.")
    return made
