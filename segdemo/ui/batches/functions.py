"""What a page can ask the server about batches: the functions that ``workbench`` puts on it."""

from collections.abc import Callable
from typing import Any

from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.results.work import Work
from segdemo.settings import settings
from segdemo.ui.arguments import Arguments, flag, whole
from segdemo.ui.batches.run import Wish, entries_since, pack, photo_of, run_batch
from segdemo.ui.batches.store import Batches
from segdemo.ui.callers import caller
from segdemo.ui.choices import load
from segdemo.ui.jobs import Answer, Jobs
from segdemo.ui.options import page_options
from segdemo.ui.runs import Runner, input_size

MOST_PART = 8_000_000
"""Bytes of a ZIP that a page sends at a time."""


def batch_limits() -> Answer:
    """What a page says of batches before there is one."""
    return {
        "photos": settings().batch_photos,
        "bytes": settings().batch_bytes,
        "part": MOST_PART,
        "keptMinutes": round(settings().temp_seconds / 60),
    }


def batch_functions(
    runner: Runner,
    jobs: Jobs,
    visitor_of: Callable[[Arguments], str],
    request_of: Callable[[Any], tuple[tuple[str, bytes], dict[str, Any]] | dict[str, Any]],
) -> list[Callable[[Any], Answer]]:
    """The functions, which may raise ``SegdemoError`` and ``GoneError``."""
    batches = Batches()

    def open_batch(arguments: Arguments) -> Answer:
        return {"batch": batches.open(visitor_of(arguments), caller())}

    def add_to_batch(arguments: Any) -> Answer:
        sent = request_of(arguments)
        if not isinstance(sent, tuple):
            raise SegdemoError("There is no file: choose photos, or a ZIP of them.")
        (name, content), fields = sent
        batch = batches.get(fields.get("batch"))
        batch.add(name, content, first=flag(fields, "first", default=True), last=flag(fields, "last", default=True))
        return {"photos": len(batch.files), "bytes": batch.nbytes}

    def start_batch(arguments: Arguments) -> Answer:
        batch = batches.get(arguments.get("batch"))

        def work(job: Job) -> Answer:
            checkpoint = runner.checkpoint(str(arguments.get("checkpoint")))
            size = input_size(str(arguments.get("size", "checkpoint")))
            job.report("Loading the checkpoint")
            with job.turn():
                options = page_options(arguments, load(checkpoint).taxonomy)
            wanted = Work(checkpoint.id, size=size, options=options, seconds=settings().run_deadline)
            return run_batch(batch, Wish(checkpoint, wanted), job)

        ticket = jobs.start(work, visitor=visitor_of(arguments), client=caller(), seconds=settings().batch_deadline)
        return {"ticket": ticket}

    def batch_entries(arguments: Arguments) -> Answer:
        seen = whole(arguments, "seen", low=0, high=1_000_000, default=0)
        return entries_since(batches.get(arguments.get("batch")), seen)

    def batch_photo(arguments: Arguments) -> Answer:
        return photo_of(batches.get(arguments.get("batch")), str(arguments.get("name")))

    def start_batch_file(arguments: Arguments) -> Answer:
        batch = batches.get(arguments.get("batch"))
        ticket = jobs.start(
            lambda job: {"file": pack(batch, job)},
            visitor=visitor_of(arguments),
            client=caller(),
            seconds=settings().run_deadline,
        )
        return {"ticket": ticket}

    def close_batch(arguments: Arguments) -> Answer:
        return {"deleted": batches.close(arguments.get("batch"))}

    return [open_batch, add_to_batch, start_batch, batch_entries, batch_photo, start_batch_file, close_batch]
