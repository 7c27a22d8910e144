"""From options to result: what refinement really does, previews, and what can be stopped."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from segdemo.prediction import Prediction
from segdemo.progress import CancelledError
from segdemo.refine import CrfOptions, MorphologyOptions, RefineOptions, morphology
from segdemo.results.job import Host, Job, own_job
from segdemo.results.make import Result, Source, make_result, reduced
from segdemo.results.options import OutputOptions, Task
from segdemo.results.outputs import make_outputs
from segdemo.results.refined import contending_classes
from segdemo.segmentation import class_probabilities, panoptic, semantic

DILATE = RefineOptions(morphology=MorphologyOptions(operation="dilate", size=31))
OPEN = RefineOptions(morphology=MorphologyOptions(operation="open", size=31))
CRF = RefineOptions(crf=CrfOptions(enabled=True, iterations=2))


@pytest.fixture
def source(make: Any) -> Source:
    """A photo of 120 x 160 with a prediction that is sure of some things."""
    prediction = make(image=(120, 160), queries=12, classes=6, sure=6.0, seed=5)
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8)
    return Source(np.asarray(cv2.resize(small, (160, 120)), np.uint8), prediction)


def loose(task: Task, refine: RefineOptions) -> OutputOptions:
    return OutputOptions(task=task, score_threshold=0.0, overlap_threshold=0.0, refine=refine)


def made(source: Source, options: OutputOptions, **rest: Any) -> Result:
    return make_result(own_job(), source, options, **rest)


def test_a_semantic_map_is_refined_by_its_classes_probabilities(source: Source) -> None:
    before = semantic(source.prediction).labels
    classes = [int(index) for index in np.unique(before)]
    probabilities = class_probabilities(source.prediction, classes=classes)
    expected = morphology(before, OPEN.morphology, probabilities=probabilities, classes=classes)
    result = made(source, loose("semantic", OPEN))
    assert np.array_equal(result.labels, expected)
    assert (result.labels != before).any()
    assert result.change is not None
    assert result.change.changed_percent == pytest.approx(100 * (expected != before).mean())


@pytest.mark.parametrize("task", ["panoptic", "instance"])
def test_segments_are_refined_by_their_classes_probabilities(source: Source, task: Task) -> None:
    result = made(source, loose(task, DILATE))
    plain = made(source, loose(task, RefineOptions()))
    assert np.array_equal(result.labels_before, plain.labels)
    assert (result.labels != plain.labels).any()
    # Growing claims what nobody had, and takes from others only what is more probable.
    assert ((result.labels == 0) <= (plain.labels == 0)).all()
    taken = (result.labels != plain.labels) & (plain.labels != 0)
    category = {segment.id: segment.category_id for segment in plain.before.segments_info}  # type: ignore[union-attr]
    for row, column in np.argwhere(taken)[:200]:
        old, new = (category[int(labels[row, column])] for labels in (plain.labels, result.labels))
        here = class_probabilities(source.prediction)[:, row, column]
        assert here[new] > here[old]


def test_unrefined_segments_are_those_of_the_segmentation(source: Source) -> None:
    expected = panoptic(source.prediction, score_threshold=0.0, overlap_threshold=0.0)
    result = made(source, loose("panoptic", RefineOptions()))
    assert np.array_equal(result.labels, expected.ids)
    assert result.change is None


@pytest.mark.parametrize("task", ["semantic", "panoptic", "instance"])
def test_a_preview_has_the_options_scaled_to_its_size(source: Source, task: Task) -> None:
    # 31 pixels of the photo are 15.5 of a picture of half its size: 16, made odd.
    half = (60, 80)
    preview = made(source, loose(task, OPEN), preview=half)
    assert preview.quick
    assert preview.labels.shape == half
    assert preview.change is not None
    assert preview.change.parameters["morphology"]["size"] == 17
    whole = made(source, loose(task, OPEN))
    assert not whole.quick
    if task == "semantic":
        assert (preview.labels == reduced(whole.labels, half)).mean() > 0.9


def test_options_scale_by_length_and_area() -> None:
    refine = RefineOptions(
        morphology=MorphologyOptions(operation="open", size=41, smallest_region=400, largest_hole=80),
        crf=CrfOptions(enabled=True, gaussian_sxy=3, bilateral_sxy=60, bilateral_srgb=10),
    )
    scaled = OutputOptions(min_area=40, refine=refine).scaled(0.25)
    shape, crf = scaled.refine.morphology, scaled.refine.crf
    assert (shape.size, shape.smallest_region, shape.largest_hole, scaled.min_area) == (11, 25, 5, 2)
    assert (crf.gaussian_sxy, crf.bilateral_sxy, crf.bilateral_srgb) == (0.75, 15, 10)


def test_a_preview_of_the_photos_own_size_is_the_result_unless_there_is_a_crf(source: Source) -> None:
    assert not made(source, loose("semantic", OPEN), preview=source.size).quick
    assert made(source, loose("semantic", CRF), preview=source.size).quick


def test_pixels_of_classes_that_take_no_part_stay(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segdemo.results.refined.MOST_CLASSES", 4)
    prediction: Prediction = make(image=(90, 100), queries=60, classes=60, seed=1)
    source = Source(np.zeros((90, 100, 3), np.uint8), prediction)
    before = semantic(prediction).labels
    classes = contending_classes(before)
    assert len(classes) == 4
    others = ~np.isin(before, classes)
    assert others.any()
    result = made(source, loose("semantic", CRF))
    assert np.array_equal(result.labels[others], before[others])
    assert result.change is not None
    assert np.array_equal(result.change.difference.mask, result.labels != before)


@pytest.mark.parametrize(
    ("task", "refine"),
    [
        ("semantic", RefineOptions()),
        ("semantic", OPEN),
        ("semantic", CRF),
        ("semantic", RefineOptions(morphology=MorphologyOptions(operation="open", size=9, smallest_region=30))),
        ("semantic", RefineOptions(morphology=MorphologyOptions(largest_hole=30))),
        ("panoptic", RefineOptions()),
        ("panoptic", DILATE),
        ("instance", RefineOptions(morphology=MorphologyOptions(operation="close", size=9, smallest_region=30))),
    ],
)
def test_work_can_be_stopped_everywhere(source: Source, task: Task, refine: RefineOptions, monkeypatch: Any) -> None:
    monkeypatch.setattr("segdemo.results.job.LOOK_SECONDS", -1)
    options, asked = loose(task, refine), 0

    def counting() -> bool:
        nonlocal asked
        asked += 1
        return 0 < last <= asked

    def run() -> None:
        nonlocal asked
        asked = 0
        job = Job(Host(waiting=1), visitor="a", seconds=60, cancelled=counting)
        make_outputs(job, source, options)

    last = -1
    run()
    total = asked
    assert total > 5
    for nth in (1, total // 4, total // 2, 3 * total // 4, total - 1):
        last = nth
        with pytest.raises(CancelledError):
            run()


def test_what_was_made_is_kept_for_the_same_options_only(source: Source) -> None:
    kept: dict[Any, Any] = {}

    def keep(key: Any, compute: Any, *, version: Any = None, nbytes: Any = None) -> Any:
        if kept.get(key, (None, None))[0] != version or key not in kept:
            kept[key] = (version, compute())
        return kept[key][1]

    source = replace(source, keep=keep)
    first = made(source, loose("semantic", OPEN))
    other_look = replace(loose("semantic", OPEN), opacity=0.1, outlines=False)
    assert made(source, other_look) is first
    assert made(source, loose("semantic", CRF)) is not first


def test_reduced_maps_have_the_nearest_pixels() -> None:
    labels: npt.NDArray[np.int32] = np.arange(16, dtype=np.int32).reshape(4, 4)
    assert reduced(labels, (4, 4)).tolist() == labels.tolist()
    assert reduced(labels, (2, 2)).tolist() == [[5, 7], [13, 15]]
