"""Where a network is out of its depth, in a sentence."""

from segdemo.checkpoints import Checkpoint
from segdemo.segmentation import Planes
from segdemo.taxonomy import Taxonomy

UNSURE = 0.5
"""Probability of the best class under which the network is called unsure at a pixel."""
DOUBTFUL_SHARE = 0.3
"""Share of the photo that must be unsure before anything is said."""


def doubt(checkpoint: Checkpoint, taxonomy: Taxonomy, shown: Planes) -> str:
    """What to say where the network is unsure of its best class on much of the photo; empty where it is not."""
    share = float((shown.top_probability < UNSURE).mean())
    if share < DOUBTFUL_SHARE:
        return ""
    known = checkpoint.known_classes
    count = len(known) if known is not None else len(taxonomy)
    return (
        f"The network is unsure over {100 * share:.0f} % of this photo: there its best class has less than "
        f"{100 * UNSURE:.0f} %. It knows {count} classes; what else the photo shows it can only call by one of those."
    )
