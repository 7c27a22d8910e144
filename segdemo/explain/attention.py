"""Where a query looked: its cross-attention as a heat map over the photograph."""

from dataclasses import dataclass

import numpy as np

from segdemo.prediction import Prediction, Size
from segdemo.segmentation.sampling import Axis, Float32
from segdemo.threads import one_blas_thread


@dataclass(frozen=True)
class AttentionFocus:
    """How a query's attention in one layer is spread."""

    everywhere: bool
    """Whether its mask was empty, which lifts the restriction to the mask: not a sign of a global view."""
    entropy: float
    """Entropy over its maximum, the logarithm of the number of cells: 0 (one cell) to 1 (all alike)."""
    peak: tuple[float, float]
    """Row and column of the strongest cell's centre, each 0 to 1 from the picture's top left; over 1 in padding."""


def attention_map(
    prediction: Prediction, layer: int, query: int, *, head: int | None = None, size: Size | None = None
) -> Float32:
    """A query's cross-attention in ``layer`` (1..) over the picture: float32 (H, W), in shares of the whole per cell.

    Bilinear between the feature level's cells, with the input's padding cropped; ``size`` (height, width) is the
    photograph's own unless given. ``head`` counts from 0, ``None`` is the mean over heads. Raises as
    ``Prediction.attention`` does.
    """
    cells = prediction.attention(layer, query, head=head)
    height, width = size or prediction.image_size
    rows, columns = (
        Axis(number, of, content, out).span(0, out)
        for number, of, content, out in zip(
            cells.shape, prediction.input_size, prediction.content_size, (height, width), strict=True
        )
    )
    # On one thread whoever else computes: the order in which a product is summed decides its last bit.
    with one_blas_thread():
        return np.asarray(rows.direct @ cells[rows.cells, columns.cells] @ columns.direct.T, np.float32)


def attention_focus(prediction: Prediction, layer: int, query: int, *, head: int | None = None) -> AttentionFocus:
    """How widely a query looked in ``layer`` (1..), and where most. Raises as ``Prediction.attention`` does."""
    cells = prediction.attention(layer, query, head=head)
    found = cells[cells > 0].astype(np.float64)
    entropy = float(-(found * np.log(found)).sum() / np.log(cells.size)) if cells.size > 1 else 0.0
    row, column = np.unravel_index(int(cells.argmax()), cells.shape)
    to_picture = [of / content for of, content in zip(prediction.input_size, prediction.content_size, strict=True)]
    return AttentionFocus(
        prediction.attends_everywhere(layer, query),
        min(1.0, max(0.0, entropy)),
        (
            float((row + 0.5) / cells.shape[0] * to_picture[0]),
            float((column + 0.5) / cells.shape[1] * to_picture[1]),
        ),
    )
