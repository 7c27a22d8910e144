"""Refinement of label maps: morphology, a dense CRF, and what either of them changed."""

from segdemo.refine.crf import CrfGrid, PreparedCrf, Quality, crf_grid, dense_crf, prepare_crf
from segdemo.refine.difference import ClassChange, Difference, difference
from segdemo.refine.morphology import MorphologyOptions, kernel_element, morphology
from segdemo.refine.pipeline import (
    CrfOptions,
    Refined,
    RefinedSegments,
    RefineOptions,
    most_probable,
    refine_panoptic,
    refine_semantic,
)
from segdemo.refine.segments import morphology_segments

__all__ = [
    "ClassChange",
    "CrfGrid",
    "CrfOptions",
    "Difference",
    "MorphologyOptions",
    "PreparedCrf",
    "Quality",
    "RefineOptions",
    "Refined",
    "RefinedSegments",
    "crf_grid",
    "dense_crf",
    "difference",
    "kernel_element",
    "morphology",
    "morphology_segments",
    "most_probable",
    "prepare_crf",
    "refine_panoptic",
    "refine_semantic",
]
