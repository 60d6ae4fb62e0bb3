"""The folder of strangers' pictures that a calibration is measured on: what is not used of it, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from identity.errors import CaptureError, FrameError
from identity.frames.decode import PHOTO, check_bytes
from identity.matching.thresholds import TEMPLATE_FRAMES


@dataclass
class Cohort:
    """DIR/<person>/<picture>, read one picture after the other."""

    folder: Path
    persons: list[tuple[Path, list[Path]]]
    """The folder of each person, and the files in it."""
    unused: list[tuple[Path, str, str]]
    """Each file that is not used, with a stable code and a sentence."""
    _read: dict[int, list[Path]] = field(default_factory=dict)
    _refused: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, folder: Path) -> Cohort:
        """List a folder. Nothing is read yet."""
        made = cls(folder, [], [])
        for path in sorted(folder.iterdir()):
            if not path.is_dir():
                made._leave_out(path, "no_folder", "It stands beside the folders of the people.")
            elif path.name.startswith("."):
                made._leave_out(path, "hidden", "Its name begins with a dot.")
            else:
                made.persons.append((path, made._files_of(path)))
        return made

    @property
    def count(self) -> int:
        """The files that are tried."""
        return sum(len(files) for _, files in self.persons)

    @property
    def is_read(self) -> bool:
        """Whether every folder was looked at."""
        return len(self._read) == len(self.persons)

    def people(self, tried: Callable[[], None]) -> Iterator[Iterator[bytes]]:
        """The pictures of each person; `tried` is called with each file."""
        for number, (_, files) in enumerate(self.persons):
            yield self._pictures(number, files, tried)

    def refused(self, person: int, number: int, error: FrameError | CaptureError) -> None:
        """The picture `number` of those that were handed on of `person` was not used."""
        self._refused[person] += 1
        self._leave_out(self._read[person][number], error.code, error.detail)

    def in_words(self) -> Iterator[str]:
        """A line for each file that was not used, the sum by cause, and who was left out."""
        for path, _, why in self.unused:
            yield f"{self._name(path)}: not used. {why}"
        by_cause = Counter(code for _, code, _ in self.unused)
        if by_cause:
            yield f"Not used, by cause: {', '.join(f'{code} {count}' for code, count in by_cause.most_common())}."
        usable = [len(self._read.get(n, ())) - self._refused[n] for n in range(len(self.persons))]
        short = [
            f"{self._name(path)} ({count})"
            for (path, _), count in zip(self.persons, usable, strict=True)
            if count < TEMPLATE_FRAMES
        ]
        if short:
            yield f"People with fewer than {TEMPLATE_FRAMES} usable pictures, left out: {', '.join(short)}."
        people = f"{len(usable) - len(short)} of {len(usable)} people"
        yield f"Measured on {people}, {sum(usable)} of {self.count} pictures."

    def _files_of(self, person: Path) -> list[Path]:
        files = []
        for path in sorted(person.iterdir()):
            if path.name.startswith("."):
                self._leave_out(path, "hidden", "Its name begins with a dot.")
            elif path.is_dir():
                self._leave_out(path, "folder_inside", "Pictures stand in the folder of their person itself.")
            else:
                files.append(path)
        return files

    def _pictures(self, person: int, files: list[Path], tried: Callable[[], None]) -> Iterator[bytes]:
        read = self._read.setdefault(person, [])
        for path in files:
            tried()
            try:
                check_bytes(path.stat().st_size, PHOTO)
                content = path.read_bytes()
            except FrameError as error:
                self._leave_out(path, error.code, error.detail)
            except OSError as error:
                self._leave_out(path, "unreadable", f"It cannot be read: {error.strerror}.")
            else:
                read.append(path)
                yield content

    def _leave_out(self, path: Path, code: str, why: str) -> None:
        self.unused.append((path, code, why))

    def _name(self, path: Path) -> str:
        """The path within the folder, on one line."""
        return "".join(sign if sign.isprintable() else "?" for sign in str(path.relative_to(self.folder)))
