"""From a photo and its Prediction to the files people take away: alike for the page, the command line and HTTP."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from segdemo import __version__
from segdemo.checkpoints import public_id
from segdemo.colors import Color, instance_colors
from segdemo.errors import SegdemoError
from segdemo.images import encode_jpeg, encode_png_ids, encode_png_index
from segdemo.prediction import Prediction
from segdemo.progress import Cancel
from segdemo.refine.pipeline import Refined, RefinedSegments, RefineOptions
from segdemo.render.overlay import OverlayStyle, overlay
from segdemo.results.refined import refined_segments, refined_semantic
from segdemo.segmentation.panoptic import Segment, Segments, instances, panoptic
from segdemo.segmentation.semantic import SemanticMap, present_classes, semantic
from segdemo.settings import MASK_THRESHOLD, OVERLAP_THRESHOLD, SCORE_THRESHOLD
from segdemo.taxonomy import Taxonomy, taxonomy_for

Task = Literal["semantic", "panoptic", "instance"]

NO_LABEL = 255
"""What an 8-bit index map says where no class is."""


@dataclass(frozen=True)
class OutputOptions:
    """What is wanted of a prediction; written into the JSON beside the result."""

    task: Task = "semantic"
    score_threshold: float = SCORE_THRESHOLD
    """Least probability of a query's class; panoptic and instance."""
    mask_threshold: float = MASK_THRESHOLD
    """Least mask probability of a pixel that belongs to a segment; panoptic and instance."""
    overlap_threshold: float = OVERLAP_THRESHOLD
    """Least share of its own mask that a segment must win; panoptic and instance."""
    fuse_stuff: bool = True
    """One segment for each stuff class; panoptic."""
    split_components: bool = False
    """One segment for each connected part of a thing; panoptic and instance."""
    min_area: int = 0
    """Least area of a segment in pixels; panoptic and instance."""
    opacity: float = 0.5
    """Weight of the colours in the overlay, 0 to 1."""
    outlines: bool = True
    """Whether regions are outlined in the overlay."""
    refine: RefineOptions = field(default_factory=RefineOptions)
    """Morphology, and for semantic maps the dense CRF; nothing by default."""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise SegdemoError(f"The task {self.task!r} is not known: choose one of {', '.join(get_args(Task))}.")
        for name in ("score_threshold", "mask_threshold", "overlap_threshold", "opacity"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise SegdemoError(f"The {name.replace('_', ' ')} is {value:g}: choose one from 0 to 1.")
        if self.min_area < 0:
            raise SegdemoError(f"The least area is {self.min_area} pixels: choose 0 or more.")
        if self.refine.crf.enabled and self.task != "semantic":
            raise SegdemoError("The CRF refines semantic maps only: switch it off, or choose the semantic task.")

    def parameters(self) -> dict[str, Any]:
        """Every option as a plain value, for a JSON file."""
        plain = {option.name: getattr(self, option.name) for option in fields(self) if option.name != "refine"}
        return {**plain, "refine": self.refine.parameters()}


@dataclass(frozen=True, eq=False)
class Outputs:
    """The contents of the result files."""

    task: Task
    id_map: bytes
    """PNG at the photo's size. Semantic: 8-bit class indices, 255 = none. Otherwise COCO panoptic: id = R + 256 G +
    65536 B, 0 = none."""
    segments: Mapping[str, Any]
    """``segments_info`` as in COCO panoptic annotations with ``score`` and ``label``, ``categories`` of what is there,
    ``parameters``, and what made it. For semantic maps the segments are the classes present, their id the index."""
    overlay: bytes
    """JPEG of the colours over the photo."""

    def segments_json(self, *, file_name: str | None = None) -> bytes:
        """``segments`` as UTF-8 JSON, with the name of the id map's file where it has one."""
        named = {"file_name": file_name} if file_name is not None else {}
        return json.dumps({**named, **self.segments}, indent=1, ensure_ascii=False).encode()

    def files(self, name: str) -> dict[str, bytes]:
        """File name to content, as the command line writes them for an image called ``name``."""
        if self.task == "semantic":
            return {f"{name}.semantic.png": self.id_map, f"{name}.overlay.jpg": self.overlay}
        id_map = f"{name}.panoptic.png"
        return {
            id_map: self.id_map,
            f"{name}.segments.json": self.segments_json(file_name=id_map),
            f"{name}.overlay.jpg": self.overlay,
        }


def make_outputs(
    image: npt.NDArray[np.uint8],
    prediction: Prediction,
    options: OutputOptions,
    *,
    cancel: Cancel | None = None,
) -> Outputs:
    """Derive what the options ask for and encode it; ``image`` is the photo that ``prediction`` is of.

    ``cancel`` is asked now and then while a CRF runs; true makes it raise ``CancelledError``. Raises
    ``SegdemoError`` for a checkpoint with more classes than an 8-bit index map holds, and for a CRF over segments.
    """
    if options.task == "semantic":
        _check_classes(prediction)
        labels, change = refined_semantic(image, prediction, semantic(prediction), options.refine, cancel=cancel)
        return semantic_outputs(image, prediction, labels, options, change=change)
    shared: dict[str, Any] = {
        "score_threshold": options.score_threshold,
        "mask_threshold": options.mask_threshold,
        "overlap_threshold": options.overlap_threshold,
        "split_components": options.split_components,
        "min_area": options.min_area,
    }
    if options.task == "panoptic":
        found = panoptic(prediction, fuse_stuff=options.fuse_stuff, **shared)
    else:
        found = instances(prediction, **shared)
    segments, changes = refined_segments(prediction, found, options.refine)
    return segment_outputs(image, prediction, segments, options, change=changes)


def semantic_outputs(
    image: npt.NDArray[np.uint8],
    prediction: Prediction,
    result: SemanticMap,
    options: OutputOptions,
    *,
    change: Refined | None = None,
) -> Outputs:
    """Encode a semantic map that is already there, at the photo's size; ``change`` is the refinement it went through.

    Raises ``SegdemoError`` as ``make_outputs`` does.
    """
    _check_classes(prediction)
    taxonomy = taxonomy_for(prediction.id2label)
    boxes = _boxes(result.labels)
    info = [
        {
            "id": entry.category_id,
            "category_id": entry.category_id,
            "label": entry.label,
            "isthing": int(taxonomy[entry.category_id].isthing),
            "area": entry.area,
            "bbox": boxes[entry.category_id],
            "iscrowd": 0,
            "score": round(entry.score, 4),
        }
        for entry in present_classes(prediction, result)
    ]
    style = OverlayStyle(opacity=options.opacity, outlines=options.outlines)
    picture = overlay(image, result.labels, colors=taxonomy.colors, things=taxonomy.things, style=style)
    return Outputs(
        task="semantic",
        id_map=encode_png_index(result.labels),
        segments=_document(prediction, info, taxonomy, options, change),
        overlay=encode_jpeg(picture),
    )


def segment_outputs(
    image: npt.NDArray[np.uint8],
    prediction: Prediction,
    result: Segments,
    options: OutputOptions,
    *,
    change: RefinedSegments[Segment] | None = None,
) -> Outputs:
    """Encode segments that are already there, at the photo's size; ``change`` is the refinement they went through."""
    taxonomy = taxonomy_for(prediction.id2label)
    info = [
        {
            "id": entry.id,
            "category_id": entry.category_id,
            "label": entry.label,
            "isthing": int(entry.isthing),
            "area": entry.area,
            "bbox": list(entry.bbox),
            "iscrowd": 0,
            "score": round(entry.score, 4),
            "queries": list(entry.queries),
        }
        for entry in result.segments_info
    ]
    things = {entry.id for entry in result.segments_info if entry.isthing}
    style = OverlayStyle(opacity=options.opacity, outlines=options.outlines)
    colors = segment_colors(result.segments_info, taxonomy)
    return Outputs(
        task=options.task,
        id_map=encode_png_ids(result.ids),
        segments=_document(prediction, info, taxonomy, options, change),
        overlay=encode_jpeg(overlay(image, result.ids, colors=colors, things=things, style=style)),
    )


def segment_colors(segments: Sequence[Segment], taxonomy: Taxonomy) -> dict[int, Color]:
    """Return a colour for each segment id: shades of its class's hue, distinct within the class."""
    members: dict[int, list[int]] = defaultdict(list)
    for entry in segments:
        members[entry.category_id].append(entry.id)
    return {
        number: color
        for category, numbers in members.items()
        for number, color in zip(numbers, instance_colors(taxonomy[category].color, len(numbers)), strict=True)
    }


def _check_classes(prediction: Prediction) -> None:
    if max(prediction.id2label) >= NO_LABEL:
        raise SegdemoError(
            f"This checkpoint has {len(prediction.id2label)} classes, more than an 8-bit index map holds: "
            "choose the panoptic task."
        )


def _document(
    prediction: Prediction,
    info: list[dict[str, Any]],
    taxonomy: Taxonomy,
    options: OutputOptions,
    change: Refined | RefinedSegments[Segment] | None,
) -> dict[str, Any]:
    parameters = options.parameters()
    if change is not None:
        parameters["refine"] = {**change.parameters, "changed_percent": round(change.changed_percent, 3)}
    present = sorted({entry["category_id"] for entry in info})
    height, width = prediction.image_size
    return {
        "segments_info": info,
        "categories": [
            {
                "id": index,
                "name": prediction.id2label.get(index, f"class {index}"),
                "isthing": int(taxonomy[index].isthing),
                "color": list(taxonomy[index].color),
            }
            for index in present
        ],
        "image": {"height": height, "width": width},
        "parameters": parameters,
        "model": {
            "checkpoint": public_id(prediction.checkpoint),
            "engine": prediction.engine,
            "precision": prediction.precision,
            "device": prediction.device,
            "input_size": list(prediction.input_size),
            "segdemo": __version__,
        },
    }


def _boxes(labels: npt.NDArray[np.integer]) -> dict[int, list[int]]:
    """Bounding box (x, y, width, height) of each index."""
    from scipy import ndimage

    found = ndimage.find_objects(labels.astype(np.int32) + 1)
    return {
        index: [box[1].start, box[0].start, box[1].stop - box[1].start, box[0].stop - box[0].start]
        for index, box in enumerate(found)
        if box is not None
    }
