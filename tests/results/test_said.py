"""Sentences of answers, against documents worked by hand."""

from typing import Any

from segdemo.results.said import figures_said, percent, pixel_said, segments_said


def document(task: str, *segments: tuple[int, str, int, float], pixels: int = 1000) -> dict[str, Any]:
    return {
        "segments_info": [
            {
                "id": 10 + place,
                "category_id": category,
                "label": label,
                "area": area,
                "score": score,
                "bbox": [0, 0, 1, 1],
            }
            for place, (category, label, area, score) in enumerate(segments)
        ],
        "image": {"height": pixels // 100, "width": 100},
        "parameters": {"task": task},
        "model": {"checkpoint": "mine"},
    }


def test_classes_are_named_by_their_shares_and_how_sure_they_are() -> None:
    said = segments_said(document("semantic", (3, "sky", 300, 0.9), (6, "road", 697, 0.8), (9, "sign", 3, 0.5)))
    assert said["sentence"] == (
        "The photo shows road 70%, sky 30%, sign under 1%. The network is 83% sure on average, and least of sign (50%)."
    )
    assert said["classes"][0] == {"label": "road", "share": 0.697, "sure": 0.8}
    assert said["left_out"] == {"classes": 0}


def test_segments_are_counted_and_what_none_covers_is_told() -> None:
    said = segments_said(
        document("panoptic", (12, "person", 100, 0.9), (6, "road", 400, 0.95), (12, "person", 300, 0.7))
    )
    # (0.1 * 0.9 + 0.3 * 0.7) / 0.4 = 0.75 for both persons; (0.4 * 0.95 + 0.4 * 0.75) / 0.8 = 0.85 for all
    assert said["sentence"] == (
        "The photo shows road 40%, person 40% (2 segments). The network is 85% sure on average, and least of person "
        "(75%). 20% of it is in no segment."
    )
    assert said["classes"][1] == {"label": "person", "share": 0.4, "sure": 0.75, "segments": 2}
    assert [entry["id"] for entry in said["segments"]] == [11, 12, 10]


def test_many_are_cut_short_and_none_is_said() -> None:
    said = segments_said(document("semantic", *((k, f"c{k}", 40, 0.5) for k in range(25))))
    assert "c5 4% and 19 more classes." in said["sentence"]
    assert len(said["classes"]) == 20
    assert said["left_out"] == {"classes": 5}
    assert "lower score_threshold" in segments_said(document("panoptic"))["sentence"]


def test_a_pixel_says_when_it_became_what_it_is() -> None:
    def row(layer: int, category: int) -> dict[str, Any]:
        return {"layer": layer, "category_id": category, "label": f"c{category}", "probability": 0.5, "query": 1}

    votes = [{"query": number, "share": 0.1} for number in range(5)]
    looks = [
        {"layer": 1, "peak": {"x": 1, "y": 2}, "everywhere": False},
        {"layer": 2, "peak": None, "everywhere": True},
    ]
    answer = {
        "sentence": "It is c2.",
        "classes": [{"label": "c2", "votes": votes}],
        "queries": [{"query": 1, "attention": looks}, {"query": 2, "attention": []}],
        "layers": [row(0, 4), row(1, 4), row(2, 2), row(3, 2)],
    }
    said = pixel_said(answer)
    assert said["sentence"] == "It is c2. It became that in decoder layer 2; before, it was c4."
    assert [(entry["layer"], entry["label"]) for entry in said["layers"]] == [(0, "c4"), (2, "c2"), (3, "c2")]
    assert said["queries"] == [{"query": 1, "looked_at": None, "looked_everywhere": True}, {"query": 2}]
    assert len(said["classes"][0]["votes"]) == 3
    same = pixel_said({**answer, "layers": [row(0, 2), row(1, 2)]})
    assert same["sentence"] == "It is c2. It was that from the initial prediction on."
    assert pixel_said({**answer, "layers": []})["sentence"] == "It is c2."


def figures(**changes: Any) -> dict[str, Any]:
    kinds = [("boundary", 30), ("missed", 10), ("invented", 0), ("inside", 60)]
    return {
        "checkpoint": "mine",
        "labels": {},
        "judged": "semantic",
        "labelled_pixels": 1000,
        "wrong_pixels": 100,
        "pixel_accuracy": 0.9,
        "miou": 0.6,
        "boundary_f": 0.5,
        "panoptic": None,
        "calibration": {"ece": 0.1},
        "errors": {"kinds": [{"kind": kind, "pixels": count, "share": count / 100} for kind, count in kinds]},
        "causes": [{"cause": "vote", "pixels": 80, "share": 0.8}, {"cause": "no query", "pixels": 20, "share": 0.2}],
        "no_causes": "",
        "classes": [
            {"label": "sky", "iou": 0.8, "true_pixels": 700},
            {"label": "sign", "iou": 0.4, "true_pixels": 300},
            {"label": "boat", "iou": 0.0, "true_pixels": 0},
        ],
        **changes,
    }


def test_figures_say_how_right_what_went_wrong_and_where() -> None:
    said = figures_said(figures())
    assert said["sentence"] == (
        "90.0% of the 1000 labelled pixels are right, with a mean IoU of 60.0% over the classes there are. Of the "
        "wrong ones 60% are inside a region, and for 80% other queries outvoted a right one. Worst is sign (IoU 40%)."
    )
    assert said["worst_classes"] == [
        {"label": "sign", "iou": 0.4, "share": 0.3},
        {"label": "sky", "iou": 0.8, "share": 0.7},
    ]


def test_figures_without_causes_errors_or_labels() -> None:
    assert "inside a region. Worst" in figures_said(figures(causes=None, no_causes="It has none."))["sentence"]
    assert figures_said(figures(wrong_pixels=0))["sentence"].endswith("over the classes there are.")
    nothing = figures(labelled_pixels=0, pixel_accuracy=None, miou=None, classes=[], wrong_pixels=0)
    assert "name no pixel" in figures_said(nothing)["sentence"]


def test_shares_in_words() -> None:
    assert [percent(share) for share in (0, 0.0099, 0.01, 0.41, 1)] == ["0%", "under 1%", "1%", "41%", "100%"]
