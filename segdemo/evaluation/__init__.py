"""How good predictions are, against labelled pictures: plain arrays in, numbers out."""

from segdemo.evaluation.boundary import boundary_score, boundary_scores
from segdemo.evaluation.confusion import Confusion
from segdemo.evaluation.quality import PanopticQuality, Quality
from segdemo.evaluation.scoring import Report, Score, Scoring

__all__ = [
    "Confusion",
    "PanopticQuality",
    "Quality",
    "Report",
    "Score",
    "Scoring",
    "boundary_score",
    "boundary_scores",
]
