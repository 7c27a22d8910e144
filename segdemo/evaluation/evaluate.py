"""A photograph against its labels: everything that is measured, from one prediction."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segdemo.errors import NotOfferedError, SegdemoError
from segdemo.evaluation import causes as why
from segdemo.evaluation import errors
from segdemo.evaluation.boundary import TOLERANCE
from segdemo.evaluation.calibration import bin_of
from segdemo.evaluation.confusion import Labels
from segdemo.evaluation.photo import NEVER, NOT_WRONG, Evaluation
from segdemo.evaluation.quality import PanopticQuality
from segdemo.evaluation.regions import regions
from segdemo.evaluation.slices import NONE, slice_maps
from segdemo.evaluation.suspects import doubts, label_probability
from segdemo.evaluation.tally import MapTally, Tally
from segdemo.evaluation.truth import TrueSegments, Truth
from segdemo.labels import VOID
from segdemo.prediction import Prediction
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import LEAST, NO_CLASS, SemanticMap, semantic

Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]


class FoundSegments(Protocol):
    """Predicted segments: ``segmentation.panoptic.Segments``, or what refinement made of them."""

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """(H, W): 0 = none."""

    @property
    def segments_info(self) -> Sequence[Any]:
        """The segments, each with ``id``, ``category_id`` and ``queries``."""


def evaluate(
    prediction: Prediction,
    labels: Labels,
    *,
    refined: Labels | None = None,
    segments: FoundSegments | None = None,
    unrefined: FoundSegments | None = None,
    objects: TrueSegments | None = None,
    panoptic_options: Mapping[str, Any] | None = None,
    covered: Collection[int] | None = None,
    things: Collection[int] | None = None,
    width: float = errors.WIDTH,
    tolerance: float = TOLERANCE,
    boundary: bool = True,
    layers: bool = True,
) -> Evaluation:
    """Judge one photograph by its labels.

    ``labels`` is integer (H, W) at the photograph's size: class indices of the checkpoint; ``VOID`` (-1), and 255
    where the checkpoint has no such class, for no label; ``NOTHING`` for none of the classes; ``OTHER`` for none of the
    ``covered`` ones, those that the labels can name (by default all).

    Judged is the semantic map, unless ``refined``, the same after CRF or morphology, or ``segments``, whose classes are
    judged then, are given; ``unrefined`` are the segments before, where ``segments`` were refined. With ``objects``,
    the truth's, panoptic quality is measured where the network has queries, of ``segments`` where they are given and
    else of what ``panoptic`` makes with ``panoptic_options``, as it does of every layer. ``things`` are the countable
    classes, by default the checkpoint's. ``width`` is that of the boundary band in pixels, ``tolerance`` that of the
    boundary F-score as a share of the diagonal; ``boundary=False`` leaves that score out, ``layers=False`` the layers.

    Calibration, confidence and label suspects are the network's: of its semantic map, whatever is judged. Raises
    ``SegdemoError`` for labels of another size or with values that are no class.
    """
    if refined is not None and segments is not None:
        raise SegdemoError("Judge the refined map or the segments: not both at once.")
    countable = frozenset(prediction.taxonomy.things if things is None else things)
    truth = Truth(
        labels,
        prediction.image_size,
        prediction.id2label,
        prediction.id2label if covered is None else covered,
        tolerance if boundary else None,
    )
    least = LEAST if truth.knows_nothing else None
    network = semantic(prediction, least=least)
    judged, before, kept = _judged(network, refined, segments, unrefined)
    true, network_true = truth.against(judged), truth.against(network.labels)
    no_panoptic = "" if objects is None else prediction.why_not("queries")
    segmented = (
        None
        if objects is None or no_panoptic
        else _Segmented(prediction, objects, truth, countable, panoptic_options or {})
    )

    tally = Tally(max(prediction.id2label) + 1, width=width)
    tally.pictures = 1
    tally.result.add(true, judged, truth.boundary(true))
    tally.result.add_confidence(network_true, network.labels, network.scores)
    if segmented is not None:
        tally.result.quality = segmented.quality(segments)
    labelled = true != VOID
    distance, true_regions = errors.border_distance(true), regions(true)
    kinds = errors.error_kinds(true, judged, countable, width=width, distance=distance, true_regions=true_regions)
    tally.kinds += errors.counts(kinds)
    cuts = slice_maps(labelled, true_regions, distance, network.scores)
    for name, sliced in tally.slices.items():
        sliced.add(cuts[name][labelled], (kinds == errors.RIGHT)[labelled])
    causes, no_causes = None, ""
    try:
        causes = why.error_causes(prediction, true, judged, before=before, kept=kept)
        tally.causes += why.counts(causes)
    except NotOfferedError as error:
        no_causes = str(error)
    lost, right_in_layers, no_layers = None, None, _no_layers(prediction, layers)
    if not no_layers:
        right_in_layers = _layers(prediction, network, truth, tally, least, segmented, cuts)
        lost = last_right(right_in_layers, kinds, prediction.num_layers)
        tally.lost = np.bincount(lost[kinds > errors.RIGHT] + 1, minlength=prediction.num_layers + 1).tolist()
    likely = label_probability(prediction, true)
    doubtful = doubts(network_true, network.labels, kinds, network.scores, likely)
    doubted, numbered = doubtful.suspects(kinds)
    bins = bin_of(network.scores, len(tally.result.reliability.pixels))
    bins[network_true == VOID] = NONE
    return Evaluation(
        judged=_called(refined, segments, unrefined),
        id2label=prediction.id2label,
        things=countable,
        truth=true,
        predicted=judged,
        kinds=kinds,
        causes=causes,
        no_causes=no_causes,
        lost_at=lost,
        no_layers=no_layers,
        no_panoptic=no_panoptic,
        right_in_layers=right_in_layers,
        confidence=_percent(network.scores),
        label_probability=_percent(likely),
        bins=bins,
        slices=cuts,
        suspects=doubted,
        suspect_map=numbered,
        distance=distance,
        doubts=doubtful,
        boundary_width=tolerance * math.hypot(*prediction.image_size),
        tally=tally,
    )


def last_right(right_in_layers: npt.NDArray[np.uint64], kinds: UInt8, layers: int) -> npt.NDArray[np.int8]:
    """The last layer at which each wrong pixel was right: int8 (H, W), ``NEVER`` if none, ``NOT_WRONG`` for others.

    A pixel is *lost at layer k* if it is wrong in the result that is judged, right in the semantic map that the paper's
    procedure makes of layer k's masks and classes alone, and in that of no layer after k; 0 is the initial prediction.
    It is lost at the last layer where what came after the network changed a right pixel. ``right_in_layers`` (H, W) has
    a bit for each of ``layers``, ``kinds`` is as in ``errors``.
    """
    lost = np.full(kinds.shape, NEVER, np.int8)
    for layer in range(layers):
        lost[(right_in_layers >> np.uint64(layer)) & np.uint64(1) == 1] = layer
    lost[kinds <= errors.RIGHT] = NOT_WRONG
    return lost


class _Segmented:
    """Panoptic quality of whatever segments there are, against the truth's objects."""

    def __init__(
        self,
        prediction: Prediction,
        objects: TrueSegments,
        truth: Truth,
        things: frozenset[int],
        options: Mapping[str, Any],
    ) -> None:
        self._prediction, self._objects, self._truth = prediction, objects, truth
        self._options = {"stuff": set(prediction.id2label) - things, **options}

    def quality(self, found: FoundSegments | None = None, *, layer: int = -1) -> PanopticQuality:
        """Of the segments, or of what the prediction's layer has; those that the truth cannot know are left out."""
        found = panoptic(self._prediction, layer=layer, **self._options) if found is None else found
        kept = {segment.id: segment.category_id for segment in found.segments_info}
        if self._truth.partial:
            kept = {number: index for number, index in kept.items() if index in self._truth.covered}
        ids = (
            found.ids
            if len(kept) == len(found.segments_info)
            else np.where(np.isin(found.ids, list(kept)), found.ids, 0)
        )
        quality = PanopticQuality(max(self._prediction.id2label) + 1)
        quality.add(self._objects.ids, self._objects.classes, ids, kept, crowds=self._objects.crowds)
        return quality


def _judged(
    network: SemanticMap, refined: Labels | None, segments: FoundSegments | None, unrefined: FoundSegments | None
) -> tuple[Int16, Int16 | None, frozenset[int] | None]:
    """The map that is judged, the one before refinement if any, and the queries in segments, if those are judged."""
    if segments is not None:
        origin = segments if unrefined is None else unrefined
        kept = frozenset(query for segment in origin.segments_info for query in segment.queries)
        return class_map(segments), None if unrefined is None else class_map(unrefined), kept
    if refined is None:
        return network.labels, None, None
    if refined.shape != network.labels.shape:
        raise SegdemoError("The refined map should be of the photo's own size.")
    return refined.astype(np.int16), network.labels, None


def class_map(segments: FoundSegments) -> Int16:
    """The class of each pixel's segment: (H, W), ``NO_CLASS`` where there is none."""
    table = np.full(max([segment.id for segment in segments.segments_info], default=0) + 1, NO_CLASS, np.int16)
    for segment in segments.segments_info:
        table[segment.id] = segment.category_id
    return table.take(segments.ids, mode="clip")


def _called(refined: Labels | None, segments: FoundSegments | None, unrefined: FoundSegments | None) -> str:
    if segments is None:
        return "semantic" if refined is None else "refined"
    return "panoptic" if unrefined is None else "refined panoptic"


def _no_layers(prediction: Prediction, wanted: bool) -> str:
    """Why there is nothing to say of layers; empty where there is."""
    if not wanted:
        return "The layers were left out."
    try:
        prediction.require("layers")
    except NotOfferedError as error:
        return str(error)
    return ""


def _layers(
    prediction: Prediction,
    network: SemanticMap,
    truth: Truth,
    tally: Tally,
    least: float | None,
    segmented: _Segmented | None,
    cuts: Mapping[str, UInt8],
) -> npt.NDArray[np.uint64]:
    """Count every layer's map; which layers are right at each pixel, a bit each."""
    bits = np.zeros(network.labels.shape, np.uint64)
    for layer in range(prediction.num_layers):
        found = network if layer == prediction.num_layers - 1 else semantic(prediction, layer=layer, least=least)
        true = truth.against(found.labels)
        own = MapTally(tally.classes)
        own.add(true, found.labels, truth.boundary(true))
        own.add_confidence(true, found.labels, found.scores)
        if segmented is not None:
            own.quality = segmented.quality(layer=layer)
        right = errors.is_right(true, found.labels)
        own.add_slices(cuts, right)
        tally.layers.append(own)
        bits |= right.astype(np.uint64) << np.uint64(layer)
    return bits


def _percent(probabilities: npt.NDArray[np.float32]) -> UInt8:
    return np.rint(probabilities * 100).astype(np.uint8)
