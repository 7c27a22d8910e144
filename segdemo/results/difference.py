"""A comparison as files: where two maps differ, and the table of their classes."""

import csv
import io

from segdemo.colors import Color
from segdemo.evaluation.agreement import DIFFERENT, SAME, UNMATCHED, Agreement
from segdemo.images import encode_png_index

DIFFERENCE_COLORS: dict[int, Color] = {SAME: (232, 236, 240), DIFFERENT: (213, 94, 0), UNMATCHED: (204, 121, 167)}
"""From the palette of Okabe and Ito, as the errors' colours."""


def encode_difference(found: Agreement) -> bytes:
    """The difference map (H, W) as an 8-bit PNG with a palette: ``SAME``, ``DIFFERENT`` and ``UNMATCHED``."""
    return encode_png_index(found.difference, palette=DIFFERENCE_COLORS)


def agreement_csv(found: Agreement) -> bytes:
    """The classes in either map as CSV, the largest first, in UTF-8.

    Columns: the class, its pixels in the first map, in the second and in both, its share of the picture in either, 0 to
    1, and intersection over union, empty for a class that one of the two networks does not have.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["class", "pixels_a", "pixels_b", "pixels_both", "share_a", "share_b", "iou"])
    for row in found.classes:
        pixels = row.first_pixels, row.second_pixels, row.both_pixels
        table.writerow([row.name, *pixels, row.first, row.second, "" if row.iou is None else row.iou])
    return text.getvalue().encode("utf-8")
