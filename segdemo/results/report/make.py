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
from segdemo.results.report.pictures import fitted, make_pictures
from segdemo.shell import Shell

MOST_BYTES = 5_000_000
"""Of a report's file."""
SIDES = (1600, 1200, 900, 640, 400)
"""Long sides of the photo in the file, in pixels: the next one is tried where the file would be too large."""


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
    for side in SIDES:
        pictures = make_pictures(job, source, found, side)
        with job.working():
            page = write_page(
                source.prediction, checkpoint, asked, found, pictures, labels, shell, made=made, said=said
            )
        if len(page) <= MOST_BYTES:
            return page
        smaller = fitted(source.size, next((other for other in SIDES if other < side), side))
        said = (
            f"The pictures in this file were made smaller, the photo to {smaller[1]} × {smaller[0]} pixels, so that it "
            f"stays under {MOST_BYTES / 1e6:g} MB; all numbers are those of the photo itself."
        )
    raise SegdemoError(f"This report would be larger than {MOST_BYTES / 1e6:g} MB: leave out attention maps or labels.")
