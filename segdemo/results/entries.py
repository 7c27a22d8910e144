"""What lists and canvases know of classes and segments, as plain values."""

from collections import Counter
from typing import Any

from segdemo.results.outputs import segment_colors
from segdemo.segmentation import Instance, Instances, Segment, Segments
from segdemo.taxonomy import Taxonomy


def class_entry(taxonomy: Taxonomy, index: int) -> dict[str, Any]:
    """What a browser knows of a class: id, label, colour, thing or stuff."""
    entry = taxonomy[index]
    return {"id": index, "label": entry.name, "color": list(entry.color), "isthing": entry.isthing}


def segment_entries(found: Segments, taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """The same of each segment, with its class, score, queries and share of the photo; several of a class are numbered.

    Segments by area, instances by score; an instance has the area of all of its mask.
    """
    ordered: list[Segment | Instance]
    if isinstance(found, Instances):
        ordered = list(found.instances)
    else:
        ordered = sorted(found.segments_info, key=lambda segment: -segment.area)
    colors = segment_colors(ordered, taxonomy)
    several = Counter(segment.category_id for segment in ordered)
    seen: Counter[int] = Counter()
    rows = []
    for segment in ordered:
        seen[segment.category_id] += 1
        label = taxonomy[segment.category_id].name
        rows.append(
            {
                "id": segment.id,
                "category_id": segment.category_id,
                "classId": segment.category_id,
                "label": label,
                "name": f"{label} {seen[segment.category_id]}" if several[segment.category_id] > 1 else label,
                "color": list(colors[segment.id]),
                "isthing": segment.isthing,
                "area": segment.area / found.ids.size,
                "score": segment.score,
                "queries": list(segment.queries),
            }
        )
    return rows
