"""From a result to the files people take away: the same for the page, the command line and HTTP."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo import __version__
from segdemo.checkpoints import public_id
from segdemo.colors import Color, instance_colors
from segdemo.errors import SegdemoError
from segdemo.images import Rgb, encode_jpeg, encode_png_ids, encode_png_index
from segdemo.labels import IGNORE
from segdemo.prediction import Prediction
from segdemo.progress import stop_point
from segdemo.refine.pipeline import Refined, RefinedSegments
from segdemo.render.heatmap import Colormap, heatmap
from segdemo.render.overlay import OverlayStyle, overlay
from segdemo.results.coco import coco_instances, coco_masks, results_json
from segdemo.results.evolution import encode_evolution
from segdemo.results.job import Job
from segdemo.results.label_ids import NONE, label_ids
from segdemo.results.make import Result, Source, make_result
from segdemo.results.options import OutputOptions, Task, View
from segdemo.segmentation.instances import Instance
from segdemo.segmentation.panoptic import Segment, Segments
from segdemo.segmentation.planes import planes
from segdemo.segmentation.semantic import NO_CLASS, SemanticMap, present_classes
from segdemo.taxonomy import Taxonomy

_HEAT_SIDE = 1024
"""Longer side at which the heatmap of an overlay is computed, in pixels."""
_HEAT_COLORS: Mapping[View, Colormap] = {"confidence": "viridis", "entropy": "magma"}
"""As on the page."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """The contents of the result files."""

    task: Task
    id_map: bytes
    """PNG at the photo's size. Semantic: 8-bit class indices in the classes' colours, 255 = none. Otherwise COCO
    panoptic: id = R + 256 G + 65536 B, 0 = none."""
    segments: Mapping[str, Any]
    """``segments_info`` as in COCO panoptic annotations with ``score`` and ``label``, ``categories`` of what is there,
    ``parameters``, and what made it. For semantic maps the segments are the classes present, their id the index."""
    overlay: bytes
    """JPEG of the colours over the photo."""
    instances: tuple[Mapping[str, Any], ...] | None = None
    """With the instance task, each thing as in COCO's results, the surest first, with its whole mask; else none."""
    evolution: bytes | None = None
    """Animated WebP of the decoder's layers, where it was asked for."""
    masks: tuple[Mapping[str, Any], ...] | None = None
    """Each region of the id map as in COCO's results, where that was asked for; instances have theirs anyway."""

    def segments_json(self, *, file_name: str | None = None) -> bytes:
        """``segments`` as UTF-8 JSON, with the name of the id map's file where it has one."""
        named = {"file_name": file_name} if file_name is not None else {}
        return as_json({**named, **self.segments})

    def files(self, name: str) -> dict[str, bytes]:
        """File name to content, as the command line writes them for an image called ``name``."""
        asked = {} if self.evolution is None else {f"{name}.evolution.webp": self.evolution}
        if self.masks is not None:
            asked[f"{name}.masks.json"] = results_json(self.masks, name)
        if self.task == "semantic":
            return {f"{name}.semantic.png": self.id_map, f"{name}.overlay.jpg": self.overlay, **asked}
        id_map = f"{name}.panoptic.png"
        results = {} if self.instances is None else {f"{name}.instances.json": results_json(self.instances, name)}
        return {
            id_map: self.id_map,
            f"{name}.segments.json": self.segments_json(file_name=id_map),
            **results,
            f"{name}.overlay.jpg": self.overlay,
            **asked,
        }


def make_outputs(
    job: Job, source: Source, options: OutputOptions, *, evolution: bool = False, masks: bool = False
) -> Outputs:
    """Derive what the options ask for and encode it: derived in the job's turn, encoded outside of it.

    ``evolution`` adds the animation of the decoder's layers, for a prediction that kept them, ``masks`` the regions'
    masks as run lengths.
    Raises ``SegdemoError`` for a checkpoint with more classes than an 8-bit index map holds and for a CRF over
    segments, ``StoppedError`` where the job is to end.
    """
    if options.task == "semantic":
        _check_classes(source.prediction)
    result = make_result(job, source, options)
    return Outputs(
        task=options.task,
        id_map=encode_id_map(job, source, result),
        segments=describe(job, source, result, options),
        overlay=encode_overlay(job, source, result, options),
        instances=coco_instances(job, source, result),
        evolution=encode_evolution(job, source, options) if evolution else None,
        masks=coco_masks(job, source, result) if masks else None,
    )


def encode_id_map(job: Job, source: Source, result: Result) -> bytes:
    """The id map as a PNG: see ``Outputs.id_map``."""
    with job.working():
        if isinstance(result.after, SemanticMap):
            _check_classes(source.prediction)
            labels = result.after.labels
            palette = source.prediction.taxonomy.colors
            if result.options.label_ids:
                numbers = label_ids(source.prediction.taxonomy)
                # One place more, for pixels of no class, which are found at the end.
                table = np.full(max(numbers) + 2, NONE, np.uint8)
                table[list(numbers)] = list(numbers.values())
                return encode_png_index(table[labels], palette={numbers[index]: palette[index] for index in numbers})
            return encode_png_index(np.where(labels == NO_CLASS, IGNORE, labels), palette=palette)
        return encode_png_ids(result.after.ids)


def encode_overlay(job: Job, source: Source, result: Result, options: OutputOptions) -> bytes:
    """The colours over the photo as a JPEG."""
    with job.working():
        picture = draw_overlay(source, result.after, options)
        stop_point()
        return encode_jpeg(picture)


def draw_overlay(source: Source, found: SemanticMap | Segments, options: OutputOptions) -> Rgb:
    """The colours over the photo, whose size the map has: RGB uint8 (H, W, 3)."""
    taxonomy, shown = source.prediction.taxonomy, options.show_classes
    style = OverlayStyle(opacity=options.opacity, outlines=options.outlines, hatching=options.hatching)
    if isinstance(found, SemanticMap):
        colors = {index: color for index, color in taxonomy.colors.items() if shown is None or index in shown}
        heat = None if options.view == "classes" else _heat(source, options.view)
        return overlay(source.image, found.labels, colors=colors, things=taxonomy.things, heat=heat, style=style)
    segments = [entry for entry in found.segments_info if shown is None or entry.category_id in shown]
    every = segment_colors(found.segments_info, taxonomy)
    colors = {entry.id: every[entry.id] for entry in segments}
    things = {entry.id for entry in found.segments_info if entry.isthing}
    return overlay(source.image, found.ids, colors=colors, things=things, style=style)


def _heat(source: Source, view: View) -> Rgb:
    """How sure the network is, before any refinement, in the colours of the page: of the photo's own size."""
    height, width = source.image.shape[:2]
    share = min(1.0, _HEAT_SIDE / max(height, width))
    found = planes(source.prediction, size=(max(1, round(height * share)), max(1, round(width * share))))
    stop_point()
    values = found.top_probability if view == "confidence" else found.entropy
    colours = heatmap(values, low=0, high=1, name=_HEAT_COLORS[view])
    return np.asarray(cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def describe(job: Job, source: Source, result: Result, options: OutputOptions) -> dict[str, Any]:
    """What the result is, as plain values: see ``Outputs.segments``."""
    taxonomy = source.prediction.taxonomy
    with job.working():
        if isinstance(result.after, SemanticMap):
            info = _classes(source.prediction, result.after, taxonomy)
        else:
            info = _segments(result.after)
    document = _document(source.prediction, info, taxonomy, options, result.change)
    return _renumbered(document, label_ids(taxonomy)) if options.label_ids else document


def _renumbered(document: dict[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """The same with other numbers for the classes; what semantic maps have as segments are classes."""
    semantic = document["parameters"]["task"] == "semantic"

    def renumber(entry: dict[str, Any]) -> dict[str, Any]:
        number = numbers[entry["category_id"]]
        return {**entry, "category_id": number, **({"id": number} if semantic else {})}

    return {
        **document,
        "segments_info": [renumber(entry) for entry in document["segments_info"]],
        "categories": [{**entry, "id": numbers[entry["id"]]} for entry in document["categories"]],
    }


def _classes(prediction: Prediction, found: SemanticMap, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    boxes = _boxes(found.labels)
    return [
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
        for entry in present_classes(prediction, found)
    ]


def _segments(found: Segments) -> list[dict[str, Any]]:
    return [
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
        for entry in found.segments_info
    ]


def as_json(document: Mapping[str, Any]) -> bytes:
    """A document as the UTF-8 text of its file."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def segment_colors(segments: Sequence[Segment | Instance], taxonomy: Taxonomy) -> dict[int, Color]:
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
    if max(prediction.id2label) >= IGNORE:
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
            **({"task": prediction.task} if prediction.task else {}),
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
