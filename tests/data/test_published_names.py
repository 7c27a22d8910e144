"""ADE20K's classes as its label files, the hub's checkpoints and the panoptic ones spell them: the same classes."""

from itertools import product

import numpy as np
import pytest

from segdemo.class_tables import ADE20K
from segdemo.data.classes import class_table
from segdemo.evaluation.agreement import JointClasses
from tests.test_taxonomy import HUB_SPELLINGS, SEGMENTER_SPELLINGS

FIRST = [row.split(",")[0] for row in ADE20K]
SPELLINGS = {
    "first names": FIRST,
    "all synonyms": list(ADE20K),
    "hub": [HUB_SPELLINGS.get(index, name) for index, name in enumerate(FIRST)],
    "panoptic, OneFormer": [SEGMENTER_SPELLINGS.get(index, name) for index, name in enumerate(FIRST)],
}


@pytest.mark.parametrize(("data", "checkpoint"), list(product(SPELLINGS, SPELLINGS)))
def test_labels_in_one_spelling_fit_a_checkpoint_in_another(data: str, checkpoint: str) -> None:
    names, labels = SPELLINGS[data], SPELLINGS[checkpoint]
    assert class_table(names, dict(enumerate(labels))) == list(range(150))
    # In another order the place says nothing.
    order = np.random.default_rng(0).permutation(150)
    mixed = {place: labels[index] for place, index in enumerate(order)}
    assert [order[place] for place in class_table(names, mixed)] == list(range(150))
    joint = JointClasses(dict(enumerate(names)), mixed)
    assert {entry.first: int(order[entry.second]) for entry in joint.classes if entry.second is not None} == {
        index: index for index in range(150)
    }
    assert len(joint.classes) == 150
