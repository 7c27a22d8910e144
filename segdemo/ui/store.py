"""Where a visitor's photograph and prediction live: in memory, bounded in bytes and time, under a secret token."""

import secrets
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from segdemo.checkpoints import Checkpoint
from segdemo.prediction import Prediction
from segdemo.results.make import Source
from segdemo.taxonomy import Taxonomy
from segdemo.threads import PatientLock

T = TypeVar("T")

DERIVED_ENTRIES = 14
"""Results derived from one prediction that are kept at most (label maps, CRF lattices): the oldest go first."""


class GoneError(LookupError):
    """The token is unknown: the photograph was deleted, has expired or had to make room."""


TRIM_SECONDS = 60.0
"""How long after its time something may still be there."""

LARGEST_DERIVED = 300_000_000
"""Bytes of a derived result above which it is not kept: making it anew is cheaper than what it would push out."""


class _Derived:
    """One result derived from a prediction, or a place for it."""

    def __init__(self) -> None:
        self.lock = PatientLock()
        self.clear()

    def keep(self, value: Any, version: Hashable, nbytes: int) -> None:
        """Put a value in the place."""
        self.value, self.version, self.nbytes, self.there = value, version, nbytes, True

    def clear(self) -> None:
        """Empty the place."""
        self.value, self.version, self.nbytes, self.there = None, None, 0, False


@dataclass(frozen=True)
class LabelFiles:
    """The labels that a visitor gave for a photograph, as they came; read anew for every checkpoint's classes."""

    content: bytes
    table: bytes | None = None
    """The second file where there are two."""
    form: str = "auto"
    """What they are, if the visitor said so; see ``data.photo_labels.FORMS``."""
    photo_name: str = ""
    """The photo's file name, by which labels of many pictures know it."""

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return len(self.content) + len(self.table or b"")


@dataclass(eq=False)
class Record:
    """One photograph, what the network made of it, and what has been derived from that so far."""

    image: npt.NDArray[np.uint8]
    """RGB, (H, W, 3), upright, at the photograph's own size."""
    display: bytes
    """The picture the browser gets: a JPEG of at most ``settings().viewer_pixels``."""
    display_size: tuple[int, int]
    """Height and width of ``display``."""
    prediction: Prediction
    taxonomy: Taxonomy
    checkpoint: Checkpoint
    name: str = "photo"
    """Stem for the names of downloaded files."""
    example: str | None = None
    """Id of the example this is, if it is one."""
    size: str = "checkpoint"
    """The input size that was asked for."""
    precision: str = "auto"
    """The precision that was asked for."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each step that led here."""
    label_files: LabelFiles | None = None
    """Labels that a visitor gave; such a record is one visitor's own, also where it shows an example."""
    _derived: OrderedDict[Hashable, _Derived] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def nbytes(self) -> int:
        """Memory held by this record, in bytes; never waits for something that is being computed."""
        with self._lock:
            derived = sum(entry.nbytes for entry in self._derived.values())
        given = self.label_files.nbytes if self.label_files is not None else 0
        return self.image.nbytes + len(self.display) + self.prediction.nbytes + given + derived

    def with_labels(self, files: LabelFiles) -> "Record":
        """The same photograph with a visitor's labels: a record of its own, from which nothing is derived yet."""
        return replace(self, label_files=files, _derived=OrderedDict(), _lock=threading.Lock())

    @property
    def source(self) -> Source:
        """The photo and its prediction, with this record to keep what is derived from them."""
        return Source(self.image, self.prediction, self.derive)

    def derive(
        self,
        key: Hashable,
        compute: Callable[[], T],
        *,
        version: Hashable = None,
        nbytes: Callable[[T], int] | None = None,
    ) -> T:
        """The value under ``key``, computed where it is not there in this ``version``.

        Those who ask for it meanwhile wait for one computation, and let others have the cores; nobody else waits.
        ``nbytes`` measures the value for the store's books; without it the value counts as its arrays. Values over
        ``LARGEST_DERIVED`` bytes are not kept.
        """
        with self._lock:
            entry = self._derived.setdefault(key, _Derived())
            self._derived.move_to_end(key)
        with entry.lock.held():
            if not (entry.there and entry.version == version):
                # What is there in another version makes room first.
                entry.clear()
                value = compute()
                entry.keep(value, version, nbytes(value) if nbytes else array_bytes(value))
            found: T = entry.value
            if entry.nbytes > LARGEST_DERIVED:
                entry.clear()
        with self._lock:
            while len(self._derived) > DERIVED_ENTRIES:
                self._derived.popitem(last=False)
        return found


def array_bytes(value: object) -> int:
    """Bytes of the arrays in a value: an array, or a tuple, mapping or dataclass of such, one level after the other."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes | str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(array_bytes(item) for item in value.values())
    if isinstance(value, tuple | list):
        return sum(array_bytes(item) for item in value)
    return sum(array_bytes(item) for item in vars(value).values()) if hasattr(value, "__dict__") else 0


@dataclass
class _Kept:
    """What a token stands for."""

    record: Record
    used: float
    beside: Record | None = None
    """Another run of the same photograph, to compare with; it goes when the record goes."""

    @property
    def records(self) -> list[Record]:
        return [self.record] if self.beside is None else [self.record, self.beside]


class Store:
    """Records by token, the least recently used dropped when the bytes run out, all dropped when their time is up.

    Several tokens may stand for one record (visitors who look at the same example); it counts once. A token is the
    only authorisation there is: it is made here, from 192 random bits, and only its visitor's page ever holds it. A
    second run of the photograph may stand beside a record, under the same token; the two are kept and dropped together.
    """

    def __init__(self, *, max_bytes: int, max_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_bytes = max_bytes
        self.max_seconds = max_seconds
        self._clock = clock
        self._records: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._trimmed = False
        """Whether somebody drops what is too old while nobody asks for anything."""

    def put(self, record: Record) -> str:
        """Keep a record and return its new token; older ones make room, but the newest always stays."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._records[token] = _Kept(record, self._clock())
            self._trim()
            if not self._trimmed:
                self._trimmed = True
                threading.Thread(target=_trim_regularly, args=(weakref.ref(self),), daemon=True).start()
        return token

    def get(self, token: object) -> Record:
        """The record of a token, which counts as used now. Raises ``GoneError``."""
        with self._lock:
            self._trim()
            return self._used(token).record

    def exchange(self, token: object, old: Record, new: Record) -> None:
        """Let a token stand for ``new``; raises ``GoneError`` where it no longer stands for ``old``."""
        with self._lock:
            kept = self._used(token)
            if kept.record is not old:
                raise GoneError("this photograph is no longer kept here")
            kept.record = new
            self._trim()

    def put_beside(self, token: object, record: Record) -> None:
        """Keep another run of a token's photograph, in the place of the last one. Raises ``GoneError``."""
        with self._lock:
            self._used(token).beside = record
            self._trim()

    def get_beside(self, token: object) -> Record | None:
        """The other run of a token's photograph, if there is one. Raises ``GoneError`` for unknown tokens."""
        with self._lock:
            return self._used(token).beside

    def _used(self, token: object) -> _Kept:
        """What a token stands for, which counts as used now. Raises ``GoneError``."""
        if not isinstance(token, str) or token not in self._records:
            raise GoneError("this photograph is no longer kept here")
        kept = self._records[token]
        kept.used = self._clock()
        self._records.move_to_end(token)
        return kept

    def delete(self, token: object) -> bool:
        """Forget a token's record now; whether there was one."""
        with self._lock:
            return isinstance(token, str) and self._records.pop(token, None) is not None

    def find(self, matches: Callable[[Record], bool]) -> Record | None:
        """The most recently used record that matches, if any: how an example is computed once for everybody."""
        with self._lock:
            self._trim()
            return next(
                (record for kept in reversed(self._records.values()) for record in kept.records if matches(record)),
                None,
            )

    def find_token(self, token: object) -> Record | None:
        """The record of a token, if there is one, which does not count as used."""
        with self._lock:
            return self._records[token].record if isinstance(token, str) and token in self._records else None

    def trim(self) -> None:
        """Drop what is too old or too much; called after a derived result has grown a record."""
        with self._lock:
            self._trim()

    @property
    def nbytes(self) -> int:
        """Memory held by all records, each counted once."""
        with self._lock:
            return self._bytes()

    def __len__(self) -> int:
        """Number of tokens."""
        with self._lock:
            return len(self._records)

    def _bytes(self) -> int:
        every = {id(record): record for kept in self._records.values() for record in kept.records}
        return sum(record.nbytes for record in every.values())

    def _trim(self) -> None:
        oldest = self._clock() - self.max_seconds
        for token in [token for token, kept in self._records.items() if kept.used < oldest]:
            del self._records[token]
        while len(self._records) > 1 and self._bytes() > self.max_bytes:
            self._records.popitem(last=False)


def _trim_regularly(store: "weakref.ref[Store]") -> None:
    """Trim a store now and then until it is empty, or gone."""
    while True:
        time.sleep(TRIM_SECONDS)
        if (found := store()) is None:
            return
        with found._lock:
            found._trim()
            found._trimmed = bool(found._records)
            if not found._trimmed:
                return
        del found
