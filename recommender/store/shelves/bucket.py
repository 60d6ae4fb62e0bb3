"""Objects in a bucket, through obstore: read, write on a condition, list, delete. Nothing else of it is used.

Imported only when `USUAL_VERSIONS` is set.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import structlog

from plumbing.settings import WrongSetting
from plumbing.storage.files import process_lock, sync_path
from plumbing.storage.shred import shred
from recommender.store.shelves.errors import VersionsDenied, VersionsUnreachable, VersionsUnusable

try:
    import obstore
    from obstore import exceptions
    from obstore import store as stores
except ImportError as error:
    raise VersionsUnusable("It needs the package obstore: pip install obstore") from error

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

log = structlog.get_logger(__name__)

Tag = tuple[str | None, str | None]
"""What tells one content of an object from every other: its etag, and the number that some stores add."""

ABSENT: Tag = (None, None)
"""The condition that there is no object yet."""

MARK = "usual-versions.json"
"""The object that says whose versions these are, and in which format."""

SCHEMES = ("s3", "gs", "az", "file")
EXAMPLES = "s3://bucket/folder, gs://bucket/folder, az://container/folder or file:///mnt/folder"
SLOW: ClientConfig = {"connect_timeout": "2s", "timeout": "60s"}
QUICK: ClientConfig = {"connect_timeout": "1s", "timeout": "2s"}
RETRIES: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
ONCE: RetryConfig = {"max_retries": 0, "retry_timeout": timedelta(seconds=2)}
_REFUSED = re.compile(r"status code: (401|403|404)\b")
SILENT_S = 2.0
"""After a request without an answer nobody asks for so long: an opt-out does not wait for each object."""

QUIET_LOG_S = 60.0
"""An outage is one line of the log, not one for each try."""

NO_CONDITIONS = (
    "This store does not refuse a write that comes too late (a conditional write, If-Match), so that two trainings"
    " could overwrite each other. Use a store that has conditional writes, such as S3, GCS or Azure."
)


class Stale(Exception):
    """The object is not what the caller saw."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a list."""

    key: str
    tag: Tag
    written_s: float  # since 1970, by the store's clock


class Bucket:
    """The objects below one address. Every method raises VersionsUnreachable, or VersionsUnusable for a setting
    that cannot be.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: dict[str, ObjectStore] = {}
        self._silent_until = -QUIET_LOG_S

    def get(self, key: str) -> tuple[bytes, Tag]:
        """An object. Raises FileNotFoundError."""
        with self._asking(key):
            found = obstore.get(self._store(), key)
            return bytes(found.bytes()), _tag(found.meta)

    def look(self, key: str, seen: Tag | None) -> tuple[bytes, Tag] | None:
        """A small object, if it is another than was `seen`; None: it is the same. Raises FileNotFoundError."""
        with self._asking(key):
            try:
                unless: Any = {"if_none_match": seen[0]} if seen and seen[0] else None
                found = obstore.get(self._store(quick=True), key, options=unless)
            except exceptions.NotModifiedError:
                return None
            same = _tag(found.meta) == seen  # a store without conditional reads sends it all the same
            return None if same else (bytes(found.bytes()), _tag(found.meta))

    def put(self, key: str, content: bytes) -> Tag:
        """Write an object, whatever is there."""
        return self._write(key, content, "overwrite")

    def swap(self, key: str, content: bytes, seen: Tag) -> Tag:
        """Write an object if it still is what was `seen`; `ABSENT`: if there is none. No two contents that one key
        ever has may be equal: many stores make the etag from the content alone.

        Raises:
            Stale: it is not, or there is one.
        """
        try:
            return self._swap(key, content, seen)
        except Stale:
            with suppress(FileNotFoundError):
                found, tag = self.get(key)
                if found == content:  # our own, by a first try whose answer was lost on the way
                    return tag
            raise

    def list(self, folder: str) -> list[Entry]:
        """Every object below a folder."""
        with self._asking(folder):
            rows = [row for page in obstore.list(self._store(), folder) for row in page]
        return [Entry(row["path"], _tag(row), row["last_modified"].timestamp()) for row in rows]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects; nothing happens where there is none."""
        for key in keys:
            with self._asking(key), suppress(FileNotFoundError):
                obstore.delete(self._store(), key)

    def keeps_versions(self, written: Tag) -> bool:
        """Whether a write, by its tag, left the earlier content in the bucket. Google's numbers do not say it."""
        return written[1] is not None and not self.url.startswith("gs://")

    def _swap(self, key: str, content: bytes, seen: Tag) -> Tag:
        named = {"e_tag": seen[0], "version": seen[1]}
        unless = {name: value for name, value in named.items() if value is not None}
        return self._write(key, content, unless or "create")

    def _write(self, key: str, content: bytes, mode: Any) -> Tag:
        with self._asking(key):
            try:
                return _tag(obstore.put(self._store(), key, content, mode=mode, use_multipart=False))
            except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
                raise Stale from error
            except FileNotFoundError:  # what is missing is the bucket
                raise VersionsDenied from None

    def _store(self, *, quick: bool = False) -> ObjectStore:
        kind = "quick" if quick else "slow"
        if kind not in self._opened:
            try:
                self._opened[kind] = self._open(QUICK if quick else SLOW, ONCE if quick else RETRIES)
            except (exceptions.BaseError, ValueError) as error:
                raise VersionsUnusable(_incomplete(self.url)) from error
        return self._opened[kind]

    def _open(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        return stores.from_url(self.url, client_options={**client, **_plain_http()}, retry_config=retry)

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        """Errors of the library as ours. Their own texts go nowhere: they hold addresses and requests."""
        if time.monotonic() < self._silent_until:
            raise VersionsUnreachable
        try:
            yield
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
            raise VersionsDenied from None
        except (exceptions.NotSupportedError, NotImplementedError):
            raise VersionsUnusable(NO_CONDITIONS) from None
        except exceptions.BaseError as error:
            if _REFUSED.search(str(error)):  # a list that is not allowed, or of no bucket, has no error of its own
                raise VersionsDenied from None
            if time.monotonic() - self._silent_until > QUIET_LOG_S:
                log.warning("versions_unreachable", object=key, error=type(error).__name__)
            self._silent_until = time.monotonic() + SILENT_S
            raise VersionsUnreachable from None


class SharedFolder(Bucket):
    """Objects as files of a folder that every machine mounts (`file:///mnt/folder`).

    What such a folder lacks is done here: compare-and-swap under a lock file, fsync, overwriting before deleting.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._folder = Path(unquote(urlsplit(url).path))
        self._threads = threading.Lock()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with self._asking(key):
                shred(self._folder / key)
                with suppress(OSError):  # others are in it
                    (self._folder / key).parent.rmdir()

    def list(self, folder: str) -> list[Entry]:
        with self._asking(folder):  # an empty folder is what is left where nothing is mounted
            if not (self._folder / MARK).is_file():
                raise VersionsUnreachable(f"The folder {self._folder} holds no {MARK}: is it mounted?")
        return [entry for entry in super().list(folder) if not entry.key.startswith(".")]

    def _swap(self, key: str, content: bytes, seen: Tag) -> Tag:
        if seen == ABSENT:
            return super()._swap(key, content, seen)
        with self._threads, self._asking(key), process_lock(self._folder / ".lock"):
            try:
                there = _tag(obstore.head(self._store(), key))
            except FileNotFoundError:
                raise Stale from None
            if there != seen:
                raise Stale
            return self._write(key, content, "overwrite")

    def _write(self, key: str, content: bytes, mode: Any) -> Tag:
        tag = super()._write(key, content, mode)
        with self._asking(key):
            handle = os.open(self._folder / key, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            sync_path((self._folder / key).parent)
        return tag

    def _open(self, client: ClientConfig, retry: RetryConfig) -> ObjectStore:
        if not self._folder.is_dir():
            raise VersionsDenied(f"There is no folder {self._folder}: make it, or mount it.")
        return stores.LocalStore(self._folder)

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        try:
            with super()._asking(key):
                yield
        except (FileNotFoundError, VersionsUnreachable):
            raise
        except OSError as error:
            raise VersionsUnreachable(f"The folder {self._folder} cannot be used: {error.strerror}.") from error


def open_bucket(url: str) -> Bucket:
    """The bucket of a setting. Nothing is sent.

    Raises:
        WrongSetting: this is no address of a bucket.
    """
    try:
        parts = urlsplit(url)
        secret = parts.password or parts.query or parts.fragment
    except ValueError:
        raise WrongSetting(f"USUAL_VERSIONS is no address; one reads {EXAMPLES}.") from None
    if secret:
        raise WrongSetting(
            "USUAL_VERSIONS holds a secret: it goes into the variables of the store (for S3 AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY), where no log and no list of processes shows it."
        )
    local = parts.scheme == "file"
    whole = parts.path.startswith("/") and not parts.netloc if local else bool(parts.netloc)
    if parts.scheme not in SCHEMES or not whole or ".." in parts.path.split("/"):
        raise WrongSetting(f"USUAL_VERSIONS is no address of a store that is known; one reads {EXAMPLES}.")
    return SharedFolder(url) if local else Bucket(url)


def _plain_http() -> ClientConfig:
    """Whether the store may be asked without TLS: options that are given here would hide the variable."""
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true", "yes")
    endpoint = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", ""))
    if endpoint.startswith("http://") and not allowed:
        raise VersionsUnusable(
            "AWS_ENDPOINT_URL begins with http://, which sends versions in the open: use https://, or set"
            " AWS_ALLOW_HTTP=true where the line is your own."
        )
    return {"allow_http": True} if allowed else {}


def _incomplete(url: str) -> str:
    what = {
        "az": "AZURE_STORAGE_ACCOUNT_NAME and a key (AZURE_STORAGE_ACCOUNT_KEY)",
        "gs": "GOOGLE_SERVICE_ACCOUNT, the file with its key",
    }.get(urlsplit(url).scheme, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION")
    return f"A variable of the store is missing or wrong: see {what}."


def _tag(found: Any) -> Tag:
    return found.get("e_tag"), found.get("version")
