"""One photo's report: derived, drawn and written, within the job's limits and the file's."""

from datetime import UTC, datetime

from segdemo.checkpoints import Checkpoint
from segdemo.errors import SegdemoError
from segdemo.results.job import Job
from segdemo.results.known import KnownLabels
from segdemo.results.make import Source
from segdemo.results.options import OutputOptions
from segdemo.results.report.asked import ReportOptions
from segdemo.results.report.found import find
from segdemo.results.report.page import write_page
from segdemo.results.report.pictures import make_pictures
from segdemo.shell import Shell

MOST_BYTES = 5_000_000
"""Of a report's file."""
SIDES = ((1600, 320), (1200, 256), (900, 192), (640, 160), (400, 128))
"""Long sides of the photo and of the small pictures in the file, in pixels: where it would be too large, the next."""


def report(
    job: Job,
    source: Source,
    checkpoint: Checkpoint,
    options: OutputOptions,
    asked: ReportOptions | None = None,
    *,
    shell: Shell,
    labels: KnownLabels | None = None,
    made: datetime | None = None,
) -> bytes:
    """All that was found in a photo as one HTML file of at most ``MOST_BYTES`` that fetches nothing.

    ``source`` is the photo (RGB uint8, H x W x 3) with a prediction that kept its layers (``capture=True``),
    ``checkpoint`` what made it, ``shell`` the page's viewer (``segdemo.ui.alone.shell()``), ``labels`` what it is
    judged by, and ``made`` when, by default now. Two reports of the same differ in their ``<time>`` elements at most.
    Raises ``SegdemoError`` for a pixel, query or layer that is not there and for what cannot be made, and
    ``StoppedError`` where the job is to end.
    """
    asked, made = asked or ReportOptions(), made or datetime.now(UTC)
    asked.check(source.prediction)
    found = find(job, source, checkpoint, options, asked, labels)
    said = ""
    for side, small in SIDES:
        if said and side >= max(source.size):
            continue
        pictures = make_pictures(job, source, found, side, small)
        with job.working():
            page = write_page(
                source.prediction, checkpoint, asked, found, pictures, labels, shell, made=made, said=said
            )
        if len(page) <= MOST_BYTES:
            return page
        said = f"Pictures in this file are smaller than usual, so that it stays under {MOST_BYTES / 1e6:g} MB."
    raise SegdemoError(f"This report would be larger than {MOST_BYTES / 1e6:g} MB: leave out attention maps or labels.")
