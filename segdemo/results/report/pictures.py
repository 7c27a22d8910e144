"""The pictures of a report: re-encoded and bounded, so that the file stays small."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segdemo.colors import Color
from segdemo.evaluation.legend import painted_causes, painted_kinds
from segdemo.evaluation.photo import Evaluation
from segdemo.explain import attention_map, query_mask, query_masks
from segdemo.explain import features as explain
from segdemo.images import Rgb, encode_webp
from segdemo.packing import data_url
from segdemo.prediction import Prediction, Size
from segdemo.render.heatmap import heatmap
from segdemo.results.job import Job
from segdemo.results.make import Result, Source, picture, reduced, sampled
from segdemo.results.outputs import draw_overlay
from segdemo.results.report.found import Found
from segdemo.segmentation import Planes, SemanticMap, layer_labels, planes

PHOTO_QUALITY = 82
SMALL_QUALITY = 72
VOTE_SIDE = 160
"""Long side of the pictures of the queries that voted, in pixels."""
_DARK = 0.3
"""Brightness of the photo where a mask is not."""


@dataclass(frozen=True)
class Figure:
    """A picture, and what is said of it."""

    src: str
    """A ``data:`` URL."""
    size: Size
    title: str
    said: str = ""


@dataclass(frozen=True, eq=False)
class Pictures:
    """All pictures of a report, and the arrays behind those that the canvas shows."""

    size: Size
    """Height and width of the photo in the file."""
    photo: str
    still: str
    """The main result over the photo, for paper and where no script runs."""
    planes: Planes
    layer_maps: npt.NDArray[np.uint16] | None
    """(layers, h, w): class indices, 65,535 for none."""
    layers: tuple[Figure, ...]
    query_layers: tuple[Figure, ...]
    attention: tuple[Figure, ...]
    attention_maps: tuple[npt.NDArray[np.float32], ...]
    """(h, w) each: the share of its attention that a cell has."""
    features: tuple[Figure, ...]
    votes: tuple[Figure, ...]
    """Of the queries that decided the pixel."""
    vote_masks: npt.NDArray[np.float32] | None
    errors: tuple[Figure, ...]
    """The map of errors, and that of their causes where there is one."""


def fitted(size: Size, side: int) -> Size:
    """``size`` (height, width) with a long side of at most ``side``."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def make_pictures(job: Job, source: Source, found: Found, side: int, small_side: int) -> Pictures:
    """Make them, in the job's turn: the photo with a long side of ``side`` pixels at most, others of ``small_side``."""
    size, small = fitted(source.size, side), fitted(source.size, small_side)
    prediction = source.prediction
    photo, little = picture(source, size), picture(source, small)
    with job.turn():
        job.report("Drawing the report")
        main = _shrunk(found.main, size)
        still = _marked(draw_overlay(replace(source, image=photo), main, found.options), source.size, found)
        maps = None if prediction.why_not("layers") else _layer_maps(job, prediction, small)
        attention = [attention_map(prediction, layer, query, size=small) for layer, query in found.attention]
        votes = _vote_masks(source, found)
        return Pictures(
            size=size,
            photo=_lossy(photo, PHOTO_QUALITY),
            still=_lossy(still, PHOTO_QUALITY),
            planes=planes(prediction, size=small),
            layer_maps=maps,
            layers=() if maps is None else _layers(prediction, maps),
            query_layers=() if maps is None or found.query is None else _query_layers(prediction, found.query, small),
            attention=tuple(
                _attended(prediction, little, values, layer, query)
                for values, (layer, query) in zip(attention, found.attention, strict=True)
            ),
            attention_maps=tuple(attention),
            features=() if prediction.why_not("features") else _features(job, prediction, small),
            votes=() if votes is None else _votes(source, found, votes),
            vote_masks=votes,
            errors=() if found.evaluation is None else _errors(found.evaluation, fitted(source.size, side // 2)),
        )


def _lossy(rgb: Rgb, quality: int = SMALL_QUALITY) -> str:
    return data_url(encode_webp(rgb, quality=quality), "image/webp")


def _flat(rgb: Rgb) -> str:
    """A picture of few colours, as it is."""
    return data_url(encode_webp(rgb, quality=60, lossless=True), "image/webp")


def _shrunk(result: Result, size: Size) -> Any:
    """A result's map at another size."""
    if isinstance(result.after, SemanticMap):
        return sampled(result.after, size)
    return replace(result.after, ids=reduced(result.after.ids, size).astype(np.int32))


def _marked(rgb: Rgb, whole: Size, found: Found) -> Rgb:
    """A picture with a ring around the pixel that was picked, if one was; ``whole`` is the photo's size."""
    if found.explanation is None:
        return rgb
    at = found.explanation["pixel"]
    x, y = (int((at[name] + 0.5) / of * to) for name, of, to in zip("xy", whole[::-1], rgb.shape[1::-1], strict=True))
    unit = max(1, round(max(rgb.shape) / 500))
    marked = np.ascontiguousarray(rgb)
    for color, thick in (((20, 20, 20), 4 * unit), ((255, 255, 255), 2 * unit)):
        cv2.circle(marked, (x, y), 6 * unit, color, thick, cv2.LINE_AA)
    return marked


def _layer_maps(job: Job, prediction: Prediction, size: Size) -> npt.NDArray[np.uint16]:
    maps = np.empty((prediction.num_layers, *size), np.uint16)
    for layer in range(prediction.num_layers):
        job.check()
        maps[layer] = layer_labels(prediction, layer, size=size)
    return maps


def painted(labels: npt.NDArray[np.integer], colors: dict[int, Color]) -> Rgb:
    """A map in its classes' colours: RGB uint8 (H, W, 3); what has none is grey."""
    values, places = np.unique(labels, return_inverse=True)
    table = np.array([colors.get(int(value), (128, 128, 134)) for value in values], np.uint8)
    return table[places.reshape(labels.shape)]


def _layers(prediction: Prediction, maps: npt.NDArray[np.uint16]) -> tuple[Figure, ...]:
    colors = prediction.taxonomy.colors
    figures = []
    for layer, labels in enumerate(maps):
        changed = float((labels != maps[layer - 1]).mean()) if layer else None
        said = "" if changed is None else f"{100 * changed:.1f} % changed"
        title = f"Layer {layer}" if layer else "Initial prediction"
        figures.append(Figure(_flat(painted(labels, colors)), labels.shape, title, said))
    return tuple(figures)


def _query_layers(prediction: Prediction, query: int, size: Size) -> tuple[Figure, ...]:
    figures = []
    for layer, mask in enumerate(query_masks(prediction, query, size=size)):
        title = f"Layer {layer}" if layer else "Initial prediction"
        figures.append(Figure(_lossy(heatmap(mask, low=0, high=1, name="viridis")), size, title))
    return tuple(figures)


def _attended(prediction: Prediction, photo: Rgb, values: npt.NDArray[np.float32], layer: int, query: int) -> Figure:
    """A query's attention over the photo in grey."""
    peak = float(values.max())
    share = np.clip(values / peak if peak else values, 0, 1)[..., None]
    grey = np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2) * 0.55
    colours = heatmap(share[..., 0], low=0, high=1, name="viridis").astype(np.float32)
    weight = 0.25 + 0.6 * np.sqrt(share)
    rgb = np.rint(grey * (1 - weight) + colours * weight).astype(np.uint8)
    kept = prediction.attention_layer(layer)
    strongest = float(prediction.attention(layer, query).max())
    said = f"1/{kept.stride} of the input; strongest cell {100 * strongest:.2g} %"
    if kept.masked and prediction.attends_everywhere(layer, query):
        said += "; its mask was empty, so it looked everywhere"
    return Figure(_lossy(rgb), rgb.shape[:2], f"Layer {layer}, query {query}", said)


def _features(job: Job, prediction: Prediction, size: Size) -> tuple[Figure, ...]:
    """The backbone's stages and the mask features as the colours of their principal components."""
    figures = []
    for one in explain.feature_maps(prediction):
        if one.part == "pixel decoder":
            continue
        job.check()
        components = explain.principal_components(one.values)
        colours = explain.as_colours(components)
        under = explain.over_photo(prediction, one, size)
        shown = colours if under is None else colours.reshape(-1, 3)[under]
        # Cells stay cells: a browser draws them larger as they are.
        title = f"Backbone, stage {one.stage}" if one.part == "backbone" else "Mask features"
        said = f"1/{one.stride} of the input; the colours carry {100 * sum(components.explained):.0f} % of the variance"
        figures.append(Figure(_lossy(np.ascontiguousarray(shown), 90), shown.shape[:2], title, said))
    return tuple(figures)


def _vote_masks(source: Source, found: Found) -> npt.NDArray[np.float32] | None:
    if found.explanation is None or not found.explanation["queries"]:
        return None
    size = fitted(source.size, VOTE_SIDE)
    return np.stack([query_mask(source.prediction, row["query"], size=size) for row in found.explanation["queries"]])


def _votes(source: Source, found: Found, masks: npt.NDArray[np.float32]) -> tuple[Figure, ...]:
    assert found.explanation is not None
    photo = picture(source, masks.shape[1:]).astype(np.float32)
    figures = []
    for row, mask in zip(found.explanation["queries"], masks, strict=True):
        rgb = np.rint(photo * (_DARK + (1 - _DARK) * mask[..., None])).astype(np.uint8)
        figures.append(Figure(_lossy(rgb), mask.shape, f"Query {row['query']}"))
    return tuple(figures)


def _errors(evaluation: Evaluation, size: Size) -> tuple[Figure, ...]:
    def figure(values: npt.NDArray[np.uint8], paint: Any, title: str) -> Figure:
        return Figure(_flat(paint(reduced(values, size).astype(np.uint8))), size, title)

    maps: Sequence[Figure] = [figure(evaluation.kinds, painted_kinds, "Errors by kind")]
    if evaluation.causes is not None:
        maps = [*maps, figure(evaluation.causes, painted_causes, "Errors by cause")]
    return tuple(maps)
