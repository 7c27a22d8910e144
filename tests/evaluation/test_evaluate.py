"""One photograph judged: maps and numbers agree with each other and with what they are made of."""

import json

import numpy as np
import pytest

import segdemo
from segdemo.errors import SegdemoError
from segdemo.evaluation import Confusion, PanopticQuality
from segdemo.evaluation.causes import CAUSES
from segdemo.evaluation.errors import KINDS
from segdemo.evaluation.figures import figures
from segdemo.evaluation.pixel import error_at
from segdemo.evaluation.suspects import label_probability
from segdemo.evaluation.tally import Tally
from segdemo.evaluation.truth import TrueSegments
from segdemo.labels import NOTHING, OTHER, VOID
from segdemo.segmentation.panoptic import panoptic
from segdemo.segmentation.semantic import class_probabilities, semantic

OPTIONS = {"queries": 14, "classes": 6, "cells": (16, 20), "image": (70, 90), "sure": 3.0}


@pytest.fixture
def prediction(make):
    return make(seed=7, **OPTIONS)


@pytest.fixture
def labels(prediction):
    """Mostly what the first layer said, so that layers differ, with noise and unlabelled rows."""
    rng = np.random.default_rng(0)
    found = semantic(prediction, layer=1).labels.astype(np.int64)
    found = np.where(rng.random(found.shape) < 0.2, np.roll(found, 4, axis=0), found)
    found[20:30, 40:60] = 4
    found[:3] = 255
    return found


def test_it_is_public(prediction, labels):
    found = segdemo.evaluate(prediction, labels)
    assert isinstance(found, segdemo.Evaluation)
    assert found.judged == "semantic"
    assert found.kinds.shape == found.truth.shape == (70, 90)
    assert (found.truth[:3] == VOID).all()


def test_every_number_opens_its_pixels(prediction, labels):
    found = segdemo.evaluate(prediction, labels)
    said = json.loads(json.dumps(found.to_json()))
    pixels: dict[tuple, int] = {
        ("right",): said["right_pixels"],
        ("wrong",): said["wrong_pixels"],
        ("ignored",): said["ignored_pixels"],
        **{("kind", entry["kind"]): entry["pixels"] for entry in said["errors"]["kinds"]},
        **{("cause", entry["cause"]): entry["pixels"] for entry in said["causes"]},
        **{("lost", entry["layer"]): entry["pixels"] for entry in said["lost_at"]},
        **{("cell", true, guess): count for true, guess, count in said["confusion"]["cells"]},
        **{("bin", place): entry["pixels"] for place, entry in enumerate(said["calibration"]["bins"])},
        **{
            ("slice", cut["by"], place): entry["pixels"]
            for cut in said["slices"]
            for place, entry in enumerate(cut["slices"])
        },
        **{
            ("layer", layer["layer"]): round((1 - layer["pixel_accuracy"]) * said["labelled_pixels"])
            for layer in said["layers"]
        },
        **{("suspect", place): entry["area"] for place, entry in enumerate(said["suspects"])},
    }
    assert {which: int(found.where(*which).sum()) for which in pixels} == pixels
    wrong = said["wrong_pixels"]
    assert sum(entry["pixels"] for entry in said["errors"]["kinds"]) == wrong
    assert sum(entry["pixels"] for entry in said["causes"]) == wrong
    assert sum(entry["pixels"] for entry in said["lost_at"]) == wrong
    for entry in said["classes"]:
        union = int(found.where("class", entry["id"]).sum())
        both = int((found.where("right") & (found.truth == entry["id"])).sum())
        assert entry["iou"] is None or entry["iou"] == pytest.approx(both / union)


@pytest.mark.parametrize(
    "which", [("colour",), ("kind", "odd"), ("bin", 99), ("slice", "odd", 0), ("cell", 1), ("layer",)]
)
def test_what_has_no_pixels_is_a_sentence(prediction, labels, which):
    with pytest.raises(SegdemoError, match="no pixels called"):
        segdemo.evaluate(prediction, labels).where(*which)


def test_layers_and_where_pixels_were_lost(prediction, labels):
    found = segdemo.evaluate(prediction, labels)
    seen = labels != 255
    lost = np.where(seen & (semantic(prediction).labels != labels), -1, -2)
    for layer, said in enumerate(found.to_json()["layers"]):
        own = semantic(prediction, layer=layer)
        confusion = Confusion(6)
        confusion.add(np.where(seen, labels, 255), own.labels)
        assert said["miou"] == pytest.approx(confusion.miou)
        assert said["pixel_accuracy"] == pytest.approx(confusion.pixel_accuracy)
        assert {entry["id"]: entry["iou"] for entry in said["classes"]} == pytest.approx(confusion.class_iou)
        for cut in said["slices"]:
            places = found.slices[cut["by"]]
            for place, accuracy in enumerate(cut["accuracy"]):
                here = seen & (places == place)
                assert accuracy == (pytest.approx((own.labels == labels)[here].mean()) if here.any() else None)
        lost[(lost != -2) & (own.labels == labels)] = layer
    np.testing.assert_array_equal(found.lost_at, lost)
    without = segdemo.evaluate(prediction, labels, layers=False)
    assert without.lost_at is None
    assert without.to_json()["layers"] == []
    assert without.no_layers


def test_probabilities(prediction, labels):
    found = segdemo.evaluate(prediction, labels)
    every = class_probabilities(prediction)
    np.testing.assert_allclose(found.confidence / 100, semantic(prediction).scores, atol=0.006)
    ys, xs = np.nonzero(labels != 255)
    likely = label_probability(prediction, found.truth)
    np.testing.assert_allclose(likely[ys, xs], every[labels[ys, xs], ys, xs], atol=1e-3)
    assert (likely[:3] == 0).all()


def test_pictures_add_up(make, prediction, labels):
    other = make(seed=8, **OPTIONS)
    total = Tally(6, width=3.0)
    for one in (prediction, other):
        total.merge(Tally.restored(json.loads(json.dumps(segdemo.evaluate(one, labels).tally.state()))))
    said = figures(total, prediction.id2label, ())
    seen = np.where(labels == 255, 255, labels)
    confusion = Confusion(6)
    for one in (prediction, other):
        confusion.add(seen, semantic(one).labels)
    assert said["pictures"] == 2
    assert said["miou"] == pytest.approx(confusion.miou)
    parts = [segdemo.evaluate(one, labels).to_json() for one in (prediction, other)]
    for name in ("miou_per_image", "boundary_f"):
        means = [part["miou" if name == "miou_per_image" else name] for part in parts]
        assert said[name] == pytest.approx(np.mean(means))
    for layer, own in enumerate(said["layers"]):
        for place, cut in enumerate(own["slices"]):
            right = [
                sum((share or 0) * of["pixels"] for share, of in zip(one["accuracy"], cuts["slices"], strict=True))
                for one, cuts in [
                    (part["layers"][layer]["slices"][place], part["slices"][place]) for part in (*parts, said)
                ]
            ]
            assert right[0] + right[1] == pytest.approx(right[2])
            assert cut["by"] == said["slices"][place]["by"]
    for group, entries in (("causes", "causes"), ("lost_at", "lost_at")):
        for place, entry in enumerate(said[entries]):
            assert entry["pixels"] == sum(part[group][place]["pixels"] for part in parts)
    with pytest.raises(ValueError, match="measured alike"):
        total.merge(Tally(6, width=4.0))


def test_segments_and_panoptic_quality(prediction, labels):
    options = {"score_threshold": 0.3, "overlap_threshold": 0.4}
    segments = panoptic(prediction, **options)
    objects = TrueSegments(np.where(labels == 255, 0, labels + 1), {index + 1: index for index in range(6)})
    found = segdemo.evaluate(prediction, labels, segments=segments, objects=objects, panoptic_options=options)
    assert found.judged == "panoptic"
    kinds = {segment.id: segment.category_id for segment in segments.segments_info}
    assert {
        number: {kinds.get(i, -1) for i in np.unique(segments.ids[found.predicted == number])} for number in range(6)
    } == {number: {number} if (found.predicted == number).any() else set() for number in range(6)}
    quality = PanopticQuality(6)
    quality.add(objects.ids, objects.classes, segments.ids, kinds)
    assert found.to_json()["panoptic"]["pq"] == pytest.approx(quality.mean().pq)
    assert found.to_json()["layers"][-1]["panoptic"]["pq"] > 0
    with pytest.raises(SegdemoError, match="not both"):
        segdemo.evaluate(prediction, labels, refined=labels, segments=segments)


def test_refinement(prediction, labels):
    refined = np.where(labels == 255, 0, labels)
    refined[40:50] = (refined[40:50] + 1) % 6
    found = segdemo.evaluate(prediction, labels, refined=refined)
    assert found.judged == "refined"
    assert {int(row) for row in np.nonzero(found.where("wrong"))[0]} == set(range(40, 50))
    was_right = semantic(prediction).labels == labels
    np.testing.assert_array_equal(found.where("cause", "refinement"), found.where("wrong") & was_right)
    # What is refined changes nothing of what the network is sure of.
    assert found.to_json()["calibration"] == segdemo.evaluate(prediction, labels).to_json()["calibration"]


def test_where_only_some_classes_are_annotated(prediction):
    network = semantic(prediction).labels
    first = int(network[0, 0])
    found = segdemo.evaluate(prediction, np.full((70, 90), OTHER), covered=[first])
    np.testing.assert_array_equal(found.truth == NOTHING, network == first)
    np.testing.assert_array_equal(found.where("wrong"), network == first)
    assert found.to_json()["miou"] == 0


def test_suspects_are_where_the_network_is_sure(hand):
    masks = [np.full((12, 16), 9.0), np.full((12, 16), -9.0)]
    prediction = hand(masks, [[0.97, 0.01, 0.02], [0.01, 0.97, 0.02]], labels={0: "sea", 1: "car"})
    labels = np.zeros((48, 64), np.int64)
    labels[10:30, 20:50] = 1
    labels[40, 60] = 1
    found = segdemo.evaluate(prediction, labels, width=2.0)
    (suspect,) = found.suspects
    assert (suspect.predicted, suspect.labelled) == (0, 1)
    # Two pixels of band on either side; the single pixel is all band, were it not missed, and too small.
    assert suspect.bbox == (20, 10, 30, 20)
    assert suspect.area == 600
    assert suspect.confidence == pytest.approx(0.97 / 0.98, abs=1e-3)
    assert found.truth[suspect.point] == 1
    (said,) = found.to_json()["suspects"]
    assert (said["predicted_label"], said["labelled_label"]) == ("sea", "car")


def test_a_pixel_in_words(prediction, labels):
    found = segdemo.evaluate(prediction, labels)
    for which in ("right", "ignored"):
        y, x = np.argwhere(found.where(which))[0].tolist()
        assert error_at(found, prediction, y, x).kind == which
    y, x = np.argwhere(found.where("cause", "classification"))[0].tolist()
    said = error_at(found, prediction, y, x)
    assert said.sentence.startswith(
        f"Predicted class {said.predicted} {100 * said.probability:.0f} %, is class {said.truth} "
    )
    assert "another class" in said.sentence
    assert said.queries
    assert said.truth not in {query.category_id for query in said.queries}
    assert (said.kind, said.cause) == (KINDS[found.kinds[y, x]], CAUSES[np.asarray(found.causes)[y, x]])
    with pytest.raises(IndexError, match="not in a photograph"):
        error_at(found, prediction, 70, 0)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((70, 91), int), "70 x 91 and the photo 70 x 90"),
        (np.full((70, 90), 6), "values 6, which are none"),
        (np.zeros((70, 90)), "whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_sentences(prediction, labels, sentence):
    with pytest.raises(SegdemoError, match=sentence):
        segdemo.evaluate(prediction, labels)


@pytest.mark.parametrize("width", [0.5, 1, 4, 20])
def test_another_width_is_what_evaluating_anew_has(prediction, labels, width):
    first = segdemo.evaluate(prediction, labels)
    moved, anew = first.at_width(width), segdemo.evaluate(prediction, labels, width=width)
    assert moved.to_json() == anew.to_json()
    assert moved.tally.state() == anew.tally.state()
    assert np.array_equal(moved.kinds, anew.kinds)
    assert np.array_equal(moved.suspect_map, anew.suspect_map)
    assert moved.at_width(3.0).to_json() == first.to_json()
