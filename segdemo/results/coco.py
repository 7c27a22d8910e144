"""Masks as COCO's results have them: run lengths, one entry a mask (cocodataset.org, "Results Format")."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segdemo.progress import stop_point
from segdemo.results.job import Job
from segdemo.results.label_ids import label_ids
from segdemo.results.make import Result, Source
from segdemo.segmentation.instances import Instances
from segdemo.segmentation.panoptic import Segment
from segdemo.segmentation.runs import Mask
from segdemo.segmentation.semantic import PresentClass, SemanticMap, present_classes


def coco_masks(job: Job, source: Source, result: Result) -> tuple[dict[str, Any], ...] | None:
    """The regions of an id map as COCO's results have them, but for ``image_id``; none for instances.

    Classes of a semantic map are regions, too; their score is the mean probability, and ``segment_id`` the region's id
    in the map. For the rest see ``coco_instances``.
    """
    found = result.after
    if isinstance(found, Instances):
        return None
    numbers = label_ids(source.prediction.taxonomy) if result.options.label_ids else {}
    with job.working():
        if isinstance(found, SemanticMap):
            ids: npt.NDArray[np.integer] = found.labels
            regions: list[tuple[int, PresentClass | Segment]] = [
                (one.category_id, one) for one in present_classes(source.prediction, found)
            ]
        else:
            ids = found.ids
            regions = [(one.id, one) for one in found.segments_info]
        entries = []
        for number, one in regions:
            stop_point()
            category = numbers.get(one.category_id, one.category_id)
            entries.append(
                {
                    "category_id": category,
                    "segmentation": Mask.of(ids == number, (ids.shape[0], ids.shape[1])).coco(),
                    "score": round(one.score, 6),
                    "label": one.label,
                    "segment_id": category if isinstance(found, SemanticMap) else number,
                }
            )
        return tuple(entries)


def coco_instances(job: Job, source: Source, result: Result) -> tuple[dict[str, Any], ...] | None:
    """The instances as COCO's results have them, but for ``image_id``; none where the result has no instances.

    Class index, whole mask as run lengths, score, class name, the id that the map has for it, and its query. There is
    no box: COCO's tools would take its area for the mask's.
    """
    if not isinstance(result.after, Instances):
        return None
    numbers = label_ids(source.prediction.taxonomy) if result.options.label_ids else {}
    with job.working():
        return tuple(
            {
                "category_id": numbers.get(one.category_id, one.category_id),
                "segmentation": one.mask.coco(),
                "score": round(one.score, 6),
                "label": one.label,
                "segment_id": one.id,
                "query": one.query,
            }
            for one in result.after.instances
        )


def results_json(entries: Sequence[Mapping[str, Any]] | None, name: str) -> bytes:
    """COCO's results (``COCO.loadRes``) as UTF-8 JSON, an entry a line; an empty list where there are none.

    ``image_id`` is the number that the photo's ``name`` is, as COCO's are (000000000139), else the name itself.
    """
    image = int(name) if name.isascii() and name.isdecimal() else name
    lines = (json.dumps({"image_id": image, **entry}, ensure_ascii=False) for entry in entries or ())
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()
