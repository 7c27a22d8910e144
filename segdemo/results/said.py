"""The answers of calls in short, for who reads them one after the other: a sentence, and the few numbers behind it."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

NAMED = 6
"""So many classes are named in a sentence."""
LISTED = 20
"""So many entries has a list at most; the largest, or for classes of an evaluation the worst."""

_KINDS = {
    "boundary": "in the boundary band",
    "missed": "missed objects",
    "invented": "invented objects",
    "inside": "inside a region",
}
"""The kinds of errors (``evaluation.errors.KINDS``) in words."""
_CAUSES = {
    "refinement": "refinement took the right class away",
    "filter": "the right query fell below the thresholds",
    "vote": "other queries outvoted a right one",
    "classification": "the query there named the wrong class",
    "no query": "no query covers the place",
}
"""The causes of errors (``evaluation.causes.CAUSES``) in words."""

Document = Mapping[str, Any]


def segments_said(document: Document) -> dict[str, Any]:
    """What is in a photo, and how sure the network is, from the document of segments (``outputs.describe``).

    ``sentence``; ``classes``, the largest first, each with its ``share`` of the photo and how ``sure`` the network is
    there (for a semantic map the mean probability over its pixels, else the mean score of its segments weighed by
    area); for segments the largest of them; ``left_out``, how many of either are not listed.
    """
    size = document["image"]
    pixels = size["height"] * size["width"]
    semantic = document["parameters"]["task"] == "semantic"
    found = sorted(document["segments_info"], key=lambda entry: -entry["area"])
    classes = found if semantic else _by_class(found)
    listed = [
        {
            "label": entry["label"],
            "share": round(entry["area"] / pixels, 4),
            "sure": entry["score"],
            **({} if semantic else {"segments": entry["segments"]}),
        }
        for entry in classes
    ]
    said: dict[str, Any] = {
        "sentence": _what_is_there(listed, semantic),
        "image": dict(size),
        "task": document["parameters"]["task"],
        "checkpoint": document["model"]["checkpoint"],
        "classes": listed[:LISTED],
        "left_out": {"classes": max(0, len(listed) - LISTED)},
    }
    if not semantic:
        said["segments"] = [
            {
                "id": entry["id"],
                "label": entry["label"],
                "share": round(entry["area"] / pixels, 4),
                "sure": entry["score"],
                "bbox": entry["bbox"],
            }
            for entry in found[:LISTED]
        ]
        said["left_out"]["segments"] = max(0, len(found) - LISTED)
    return said


def pixel_said(document: Document) -> dict[str, Any]:
    """Why a pixel is what it is, from the answer of ``explained``, with less of it: no votes but the first three.

    The ``sentence`` also says in which layer the pixel became what it is. ``layers`` has a row where the best class
    changed, and the last.
    """
    layers = document["layers"]
    runs = [list(rows) for _, rows in groupby(layers, key=lambda row: row["category_id"])]
    kept = [rows[0] for rows in runs] + ([layers[-1]] if layers and len(runs[-1]) > 1 else [])
    return {
        **document,
        "sentence": f"{document['sentence']} {_since_when(runs)}".strip(),
        "classes": [{**entry, "votes": entry["votes"][:3]} for entry in document["classes"]],
        "queries": [
            {**{name: value for name, value in entry.items() if name != "attention"}, **_last_look(entry)}
            for entry in document["queries"]
        ],
        "layers": [{name: row[name] for name in ("layer", "label", "probability")} for row in kept],
    }


def figures_said(figures: Document) -> dict[str, Any]:
    """How right a result is, from the figures of ``/evaluate``: the measures, and the worst classes."""
    causes = figures["causes"] or []
    labelled = figures["labelled_pixels"]
    true = [entry for entry in figures["classes"] if entry["true_pixels"] and entry["iou"] is not None]
    worst = sorted(true, key=lambda entry: entry["iou"])
    return {
        "sentence": _how_right(figures, worst),
        "checkpoint": figures["checkpoint"],
        "labels": figures["labels"],
        "judged": figures["judged"],
        "labelled_pixels": labelled,
        **{name: figures[name] for name in ("wrong_pixels", "pixel_accuracy", "miou", "boundary_f", "panoptic")},
        "calibration_error": figures["calibration"]["ece"],
        "errors": [
            {"kind": _KINDS.get(entry["kind"], entry["kind"]), "share": entry["share"]}
            for entry in figures["errors"]["kinds"]
        ],
        "causes": [{"cause": _CAUSES.get(entry["cause"], entry["cause"]), "share": entry["share"]} for entry in causes],
        "no_causes": figures["no_causes"],
        "worst_classes": [
            {"label": entry["label"], "iou": entry["iou"], "share": entry["true_pixels"] / labelled}
            for entry in worst[:LISTED]
        ],
    }


def percent(share: float) -> str:
    """A share of the whole in words: ``41%``, ``under 1%``."""
    return "under 1%" if 0 < share < 0.01 else f"{share:.0%}"


def _what_is_there(classes: Sequence[Document], semantic: bool) -> str:
    if not classes:
        return "Nothing in the photo is sure enough to be named: lower score_threshold, or ask for the semantic task."
    named = []
    for entry in classes[:NAMED]:
        count = entry.get("segments", 1)
        named.append(f"{entry['label']} {percent(entry['share'])}" + (f" ({count} segments)" if count > 1 else ""))
    more = len(classes) - NAMED
    listed = ", ".join(named) + (f" and {more} more {'class' if more == 1 else 'classes'}" if more > 0 else "")
    covered = sum(entry["share"] for entry in classes)
    sure = sum(entry["share"] * entry["sure"] for entry in classes) / covered if covered else 0.0
    said = f"The photo shows {listed}. The network is {sure:.0%} sure on average"
    least = min(classes[:NAMED], key=lambda entry: entry["sure"])
    said += f", and least of {least['label']} ({least['sure']:.0%})" if len(classes) > 1 else ""
    rest = 1 - covered
    return f"{said}." + ("" if semantic or rest < 0.005 else f" {percent(rest)} of it is in no segment.")


def _by_class(segments: Sequence[Document]) -> list[dict[str, Any]]:
    """The classes of segments with their area, mean score and count, the largest first."""
    found: dict[int, dict[str, Any]] = {}
    for entry in segments:
        of = found.setdefault(entry["category_id"], {"label": entry["label"], "area": 0, "score": 0.0, "segments": 0})
        of["score"] += entry["score"] * entry["area"]
        of["area"] += entry["area"]
        of["segments"] += 1
    for of in found.values():
        of["score"] = round(of["score"] / max(1, of["area"]), 4)
    return sorted(found.values(), key=lambda of: -of["area"])


def _since_when(runs: Sequence[Sequence[Document]]) -> str:
    if not runs:
        return ""
    last = runs[-1][0]
    if len(runs) == 1:
        return "It was that from the initial prediction on."
    before = runs[-2][0]["label"]
    return f"It became that in decoder layer {last['layer']}; before, it was {before}."


def _last_look(query: Document) -> dict[str, Any]:
    """Where a query looked in the last layer that did."""
    if not query["attention"]:
        return {}
    focus = query["attention"][-1]
    return {"looked_at": focus["peak"], "looked_everywhere": focus["everywhere"]}


def _how_right(figures: Document, worst: Sequence[Document]) -> str:
    labelled, accuracy = figures["labelled_pixels"], figures["pixel_accuracy"]
    if not labelled:
        return "The labels name no pixel of the photo that could be compared."
    said = f"{accuracy:.1%} of the {labelled} labelled pixels are right"
    said += f", with a mean IoU of {figures['miou']:.1%} over the classes there are." if worst else "."
    if not figures["wrong_pixels"]:
        return said
    kind = max(figures["errors"]["kinds"], key=lambda entry: entry["pixels"])
    said += f" Of the wrong ones {percent(kind['share'])} are {_KINDS.get(kind['kind'], kind['kind'])}"
    if figures["causes"]:
        cause = max(figures["causes"], key=lambda entry: entry["pixels"])
        said += f", and for {percent(cause['share'])} {_CAUSES.get(cause['cause'], cause['cause'])}"
    return said + (f". Worst is {worst[0]['label']} (IoU {worst[0]['iou']:.0%})." if worst else ".")
