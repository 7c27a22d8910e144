"""Many photos through the network: several at a time, each from its file to its results, so that all steps overlap.

Each photo stays in one thread. A small network gains little from a second core, and two of them wait for each other at
every layer; two photos on a core each do not. Its bytes do not depend on how many cores there are either.
"""

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from segdemo.progress import CancelledError
from segdemo.results.folder import Entry, Results, is_same
from segdemo.results.inputs import Found, Photo, shared_folder
from segdemo.results.job import Host, Job
from segdemo.results.naming import result_names
from segdemo.results.work import Work, do_photo
from segdemo.threads import cores, without_helpers

if TYPE_CHECKING:
    from segdemo.model.predictor import Predictor

Item = TypeVar("Item")
Made = TypeVar("Made")

MOST_AT_ONCE = 8
"""Photos on the cores at once, however many there are: as many fit a line's places in memory."""
_SMALL, _SMALL_BYTES, _LARGE_BYTES = 60_000_000, 500_000_000, 1_500_000_000
"""A network of at most so many weights needs so much memory for a photo in work, in bytes; a larger one so much."""
_LOOK_SECONDS = 0.1
_setting = threading.Lock()
"""Held while PyTorch's number of threads is not what it was."""


@dataclass(frozen=True)
class Plan:
    """The photos of a batch: those to do, and those whose results are there already."""

    photos: tuple[Photo, ...]
    done: tuple[Entry, ...]
    todo: tuple[Photo, ...]


def make_plan(found: Sequence[Found], results: Results, work: str) -> Plan:
    """Name the results of what was found, and see which are there; ``work`` is the fingerprint of what is asked for.

    A photo that has results keeps its name; another one's results are never in its way.
    """
    paths = [entry.path.absolute() for entry in found]
    known = {entry.name: entry for entry in results.entries()}
    names = _names(paths, known)
    root = shared_folder(paths)
    photos = tuple(
        Photo(name, _relative(path, root), path, entry.problem)
        for name, path, entry in zip(names, paths, found, strict=True)
    )
    return _plan(photos, known, results, work)


def photos_of(files: Sequence[tuple[str, Path]], results: Results, work: str) -> Plan:
    """The same for files that are called otherwise than where they are: by their names, and where they are."""
    names = result_names([Path(name) for name, _ in files])
    photos = tuple(Photo(stem, name, path) for stem, (name, path) in zip(names, files, strict=True))
    return _plan(photos, {entry.name: entry for entry in results.entries()}, results, work)


def _plan(photos: tuple[Photo, ...], known: Mapping[str, Entry], results: Results, work: str) -> Plan:
    done = {
        photo.name: known[photo.name]
        for photo in photos
        if photo.name in known and results.is_done(known[photo.name], photo.path, work)
    }
    return Plan(photos, tuple(done.values()), tuple(photo for photo in photos if photo.name not in done))


def places(predictor: "Predictor") -> int:
    """How many photos are on the cores at once: one on each where the network can, as far as there is memory."""
    if not predictor.side_by_side:
        return 1
    need = _SMALL_BYTES if (predictor.checkpoint.parameters or 0) <= _SMALL else _LARGE_BYTES
    return max(1, min(cores(), MOST_AT_ONCE, _free_memory() // need))


def run_batch(
    photos: Iterable[Photo],
    work: Work,
    predictor: "Predictor",
    results: Results,
    *,
    at_once: int | None = None,
    refused: Callable[[str], bool] = lambda name: False,
    stop: threading.Event | None = None,
) -> Generator[Entry, None, None]:
    """Do photos, and yield what became of each as it is done, in whatever order.

    ``at_once`` are on the cores together, by default ``places``; one more is read or written meanwhile. Ends early
    once ``stop`` is set, and when the generator is closed: photos begun are left undone. Raises ``OSError`` where
    nothing can be written.
    """
    count = at_once or places(predictor)
    host, ended = Host(waiting=2 * count + 4, at_once=count), stop or threading.Event()
    fingerprint = work.fingerprint()

    def one(photo: Photo) -> Entry:
        job = Job(host, visitor="", seconds=work.seconds, cancelled=ended.is_set)
        return do_photo(photo, work, fingerprint, predictor, results, job, refused=refused)

    @contextmanager
    def prepared() -> Iterator[None]:
        with ExitStack() as stack:
            if predictor.side_by_side:
                stack.enter_context(one_core())
                stack.enter_context(without_helpers())
            yield

    yield from in_workers(one, photos, count + 1, ended, prepared=prepared)


@contextmanager
def one_core() -> Iterator[None]:
    """Inside, PyTorch keeps this thread's work in this thread; for a thread of one's own."""
    import torch

    with _setting:
        # Asked first, since a thread takes the process's number when it first needs one.
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        # That set it for threads to come as well: a thread that ends at once sets it back for them alone.
        restored = threading.Thread(target=torch.set_num_threads, args=(before,))
        restored.start()
        restored.join()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class _Answer(Generic[Made]):
    made: Made | None = None
    error: BaseException | None = None
    last: bool = False


def in_workers(
    work: Callable[[Item], Made],
    items: Iterable[Item],
    workers: int,
    stop: threading.Event,
    *,
    prepared: Callable[[], AbstractContextManager[None]],
) -> Generator[Made, None, None]:
    """Yield ``work(item)`` for all items as they are made, in ``workers`` threads within ``prepared()``.

    The first error ends it and is raised; ``CancelledError`` only ends it. So does setting ``stop``.
    """
    left, lock = iter(items), threading.Lock()
    answers: queue.Queue[_Answer[Made]] = queue.Queue(maxsize=2 * workers)

    def put(answer: _Answer[Made]) -> None:
        while True:
            with suppress(queue.Full):
                answers.put(answer, timeout=_LOOK_SECONDS)
                return
            if stop.is_set() and not answer.last:
                return

    def loop() -> None:
        try:
            with prepared():
                while not stop.is_set():
                    with lock:
                        item = next(left, stop)
                    if item is stop:
                        return
                    put(_Answer(work(item)))  # type: ignore[arg-type]
        except CancelledError:
            stop.set()
        except BaseException as error:
            put(_Answer(error=error))
            stop.set()
        finally:
            put(_Answer(last=True))

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(loop,), daemon=True, name="segdemo-batch")
        for _ in range(workers)
    ]
    for thread in threads:
        thread.start()
    running = workers
    try:
        while running:
            with suppress(queue.Empty):
                answer = answers.get(timeout=_LOOK_SECONDS)
                if answer.last:
                    running -= 1
                elif answer.error is not None:
                    raise answer.error
                else:
                    yield answer.made  # type: ignore[misc]
    finally:
        stop.set()
        while any(thread.is_alive() for thread in threads):
            with suppress(queue.Empty):
                answers.get(timeout=_LOOK_SECONDS)


def _names(paths: Sequence[Path], known: dict[str, Entry]) -> list[str]:
    sources = {entry.source: name for name, entry in known.items()}
    settled = {index: sources[str(path)] for index, path in enumerate(paths) if str(path) in sources}
    used = set(settled.values())
    for index, path in enumerate(paths):
        # The same photo in a folder that was moved, or that another machine sees elsewhere.
        entry = known.get(path.stem)
        if index not in settled and entry is not None and entry.name not in used:
            with suppress(OSError):
                if is_same(entry, path):
                    settled[index] = entry.name
                    used.add(entry.name)
    return result_names(paths, settled=settled, taken=known.keys() - used)


def _relative(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.name


def _free_memory() -> int:
    """Bytes that can be had without pushing anything out; much, where the system does not say."""
    try:
        with Path("/proc/meminfo").open() as lines:
            free = next(line for line in lines if line.startswith("MemAvailable"))
        return int(free.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return 1 << 40
