"""How ``segdemo segment`` goes through its photographs, and what it says meanwhile."""

import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from segdemo.errors import SegdemoError
from segdemo.model.predictor import Predictor
from segdemo.results.batch import make_plan, places, run_batch
from segdemo.results.folder import Entry, Results
from segdemo.results.inputs import find_inputs
from segdemo.results.pace import Pace
from segdemo.results.tables import write_tables
from segdemo.results.work import Work, run_of

_SAY_SECONDS = 10.0
"""How often a line says how far it is, where there is no terminal for a bar."""


@dataclass(frozen=True)
class Cluster:
    """Where a batch on Ray runs: see ``run_on_ray``."""

    address: str | None = None
    actors: int | None = None
    cores: int = 1


class Batch:
    """The photographs of one call. Raises ``SegdemoError`` where nothing can be written or there is nothing to do."""

    def __init__(
        self, images: Sequence[Path], out: Path, work: Work, *, at_once: int | None = None, ray: Cluster | None = None
    ) -> None:
        self.work, self.results, self.at_once, self.ray = work, Results(out), at_once, ray
        self.predictor = work.load()
        found = find_inputs(images, out=out)
        try:
            self.results.prepare()
        except OSError as error:
            raise SegdemoError(f"The folder {out} cannot be made: {error.strerror or error}.") from error
        self.plan = make_plan(found, self.results, work.fingerprint())
        self._protected = {photo.path.resolve() for photo in self.plan.photos}

    def run(self) -> int:
        """Do what is missing; return how many photographs could not be done."""
        started, failed, written = datetime.now(UTC), 0, False
        told = self.predictor.told(self.work.options.task)
        words = f", told the task {told}" if told else ""
        typer.echo(f"{self.predictor.checkpoint.title}: {_engine(self.predictor)}{words}")
        if self.plan.done:
            typer.echo(f"{len(self.plan.done)} of {len(self.plan.photos)} are done already.")
        pace = Pace(len(self.plan.todo))
        try:
            with _progress(pace, len(self.plan.todo)), closing(self._entries()) as entries:
                for entry in entries:
                    pace.note()
                    failed += not entry.done
                    self._say(entry, pace.done)
            self._write_tables(started)
            written = True
        except OSError as error:
            raise SegdemoError(
                f"{error.filename or self.results.folder} cannot be written: {error.strerror}."
            ) from error
        finally:
            if not written:  # interrupted: what there is so far
                with suppress(OSError):
                    self._write_tables(started)
        if failed:
            typer.echo(f"{failed} of {len(self.plan.photos)} could not be segmented.", err=True)
        return failed

    def _entries(self) -> Generator[Entry, None, None]:
        if self.ray is not None:
            from segdemo.results.on_ray import run_on_ray

            return run_on_ray(
                self.plan.todo,
                self.work,
                self.results,
                address=self.ray.address,
                actors=self.ray.actors,
                own_cores=self.ray.cores,
                refused=frozenset(map(str, self._protected)),
            )
        return run_batch(
            self.plan.todo,
            self.work,
            self.predictor,
            self.results,
            at_once=self.at_once,
            refused=lambda name: (self.results.folder / name).resolve() in self._protected,
        )

    def _write_tables(self, started: datetime) -> None:
        if len(self.plan.photos) > 1:
            names = (photo.name for photo in self.plan.photos)
            write_tables(self.results, names, self.work.describe(), run_of(self.predictor), started)

    def _say(self, entry: Entry, number: int) -> None:
        if entry.done:
            counter, files = f"[{number}/{len(self.plan.todo)}]", ", ".join(entry.files)
            typer.echo(f"{counter} {entry.source}: {found(entry, self.work)} in {entry.seconds:.2f} s -> {files}")
        else:
            typer.echo(f"{entry.source}: {entry.reason}", err=True)


def found(entry: Entry, work: Work) -> str:
    """How much was found, in words."""
    kind = {"semantic": "class", "panoptic": "segment", "instance": "instance"}[work.options.task]
    return f"{entry.found} {kind}{'' if entry.found == 1 else 'es' if kind == 'class' else 's'}"


@contextmanager
def _progress(pace: Pace, total: int) -> Iterator[None]:
    """A bar on a terminal, with rate and time left; elsewhere a line now and then; nothing for a single photograph."""
    console = Console(stderr=True)
    if total < 2 or not console.is_terminal:
        pace.told = (lambda: _say_rarely(pace)) if total > 1 else (lambda: None)
        yield
        return
    columns = [BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}")]
    with Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=total, pace="")
        pace.told = lambda: bar.update(task, completed=pace.done, pace=pace.text)
        yield


def _say_rarely(pace: Pace) -> None:
    now = time.monotonic()
    if now - pace.said > _SAY_SECONDS:
        pace.said = now
        typer.echo(f"{pace.done} of {pace.total}, {pace.text}", err=True)


def _engine(predictor: Predictor) -> str:
    engine, count = predictor.engine, places(predictor)
    beside = f", {count} photographs at once" if count > 1 else ""
    return f"{engine.name} {engine.precision} on {engine.device}{beside}"
