"""What a prediction means: label maps, segments, and where every pixel's answer came from."""

from segdemo.segmentation.attention import AttentionFocus, attention_focus, attention_map
from segdemo.segmentation.layers import (
    LayerOfQuery,
    QuerySummary,
    query_history,
    query_mask,
    query_masks,
    query_table,
)
from segdemo.segmentation.panoptic import Segment, Segments, instances, panoptic
from segdemo.segmentation.pixel import ClassAtPixel, PixelExplanation, Vote, explain_pixel
from segdemo.segmentation.planes import Planes, planes
from segdemo.segmentation.semantic import (
    Confidence,
    PresentClass,
    SemanticMap,
    class_probabilities,
    confidence,
    layer_labels,
    present_classes,
    semantic,
)

__all__ = [
    "AttentionFocus",
    "ClassAtPixel",
    "Confidence",
    "LayerOfQuery",
    "PixelExplanation",
    "Planes",
    "PresentClass",
    "QuerySummary",
    "Segment",
    "Segments",
    "SemanticMap",
    "Vote",
    "attention_focus",
    "attention_map",
    "class_probabilities",
    "confidence",
    "explain_pixel",
    "instances",
    "layer_labels",
    "panoptic",
    "planes",
    "present_classes",
    "query_history",
    "query_mask",
    "query_masks",
    "query_table",
    "semantic",
]
