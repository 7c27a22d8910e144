"""Many photos on many machines, with Ray Data: actors hold a predictor each and write results themselves.

What travels is where photos are and what became of them, never pixels: photographs and results are in folders that all
machines see under the same path.
"""

import json
import logging
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from segdemo.errors import MissingExtraError, SegdemoError, first_line
from segdemo.results.batch import run_batch
from segdemo.results.folder import Entry, Results, entry_of
from segdemo.results.inputs import Photo
from segdemo.results.work import Work
from segdemo.threads import cores

ROWS = 4
"""Photos that an actor is given at a time: what is tried again, but for those that are done, where it is killed."""
_MOST_BLOCKS = 2000
_STORE_BYTES = 200_000_000
"""Memory of a local cluster for what travels, in bytes: rows are small."""
ENDED = "The process that worked on this picture, or on one beside it, was ended: run the batch again."


class PhotoActor:
    """Does photos on one machine, on ``own_cores`` of its cores; made by Ray in a process of its own."""

    def __init__(self, work: Work, folder: str, refused: frozenset[str], own_cores: int) -> None:
        from segdemo.process import prepare_process

        prepare_process()
        import torch

        torch.set_num_threads(own_cores)
        self.work, self.refused, self.own_cores = work, refused, own_cores
        self.predictor, self.fingerprint = work.load(), work.fingerprint()
        self.results = Results(Path(folder))
        self.results.prepare()

    def __call__(self, rows: dict[str, Any]) -> dict[str, list[str]]:
        """Do the photos of some rows; a row for each, with what became of it."""
        columns = zip(*(rows[name] for name in ("name", "file", "path", "problem")), strict=True)
        photos = [Photo(str(name), str(file), Path(path), str(problem)) for name, file, path, problem in columns]
        # Done by one who was killed before it could say so.
        known = {photo.name: self.results.entry(photo.name) for photo in photos}
        done = [
            entry
            for photo in photos
            if (entry := known[photo.name]) is not None and self.results.is_done(entry, photo.path, self.fingerprint)
        ]
        names = {entry.name for entry in done}
        left = [photo for photo in photos if photo.name not in names]
        made = run_batch(
            left,
            self.work,
            self.predictor,
            self.results,
            at_once=self.own_cores,
            refused=lambda name: str((self.results.folder / name).resolve()) in self.refused,
        )
        return {"entry": [json.dumps(asdict(entry)) for entry in (*done, *made)]}


def run_on_ray(
    photos: Sequence[Photo],
    work: Work,
    results: Results,
    *,
    address: str | None = None,
    actors: int | None = None,
    own_cores: int = 1,
    refused: frozenset[str] = frozenset(),
) -> Generator[Entry, None, None]:
    """Do photos in a cluster, and yield what became of each, in whatever order; the bytes are those of ``run_batch``.

    ``address`` is that of a cluster that runs; without it one is started on this machine for as long as this takes.
    There are ``actors`` of ``own_cores`` cores each, by default as many as the cluster has cores for. ``refused`` are
    whole paths that are not written to. Raises ``MissingExtraError`` without Ray, ``SegdemoError`` for a cluster that
    does not answer.
    """
    if not photos:
        return
    with _cluster(address) as ray:
        count = actors or max(1, int(ray.cluster_resources().get("CPU", 1)) // own_cores)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = -1
        rows = [
            {"name": photo.name, "file": photo.file, "path": str(photo.path), "problem": photo.problem}
            for photo in photos
        ]
        blocks = min(-(-len(rows) // ROWS), _MOST_BLOCKS)
        found = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            PhotoActor,
            fn_constructor_args=(work, str(results.folder.resolve()), refused, own_cores),
            batch_size=ROWS,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=min(count, blocks)),
            num_cpus=own_cores,
        )
        seen = set()
        for row in found.iter_rows():
            entry = entry_of(json.loads(row["entry"]))
            seen.add(entry.name)
            yield entry
    fingerprint = work.fingerprint()
    for photo in photos:
        if photo.name not in seen:
            failed = Entry(photo.name, photo.file, "failed", ENDED, source=str(photo.path), work=fingerprint)
            known = results.entry(photo.name)
            if known is not None and results.is_done(known, photo.path, fingerprint):
                yield known
            else:
                results.keep(failed, {})
                yield failed


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected; a cluster that was started for this ends with it. Nothing is sent to anybody, no dashboard."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # What it says of how it works, such as that actors' arguments are in its store, is not for people.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("A batch on Ray", "ray") from None
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    own = {"include_dashboard": False, "num_cpus": cores(), "object_store_memory": _STORE_BYTES}
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        ray.init(address=address or "local", **quiet, **({} if address else own))
    except Exception as error:
        where = f"at {address} " if address else ""
        raise SegdemoError(f"The Ray cluster {where}cannot be reached: {first_line(error)[:200]}") from error
    try:
        yield ray
    finally:
        ray.shutdown()
