"""What the network sees: label maps, segments, and how sure it is."""

from segdemo.segmentation.dropped import Dropped, dropped
from segdemo.segmentation.instances import Instance, Instances, instances
from segdemo.segmentation.panoptic import Segment, Segments, panoptic
from segdemo.segmentation.planes import Planes, planes
from segdemo.segmentation.runs import Mask
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
    "Confidence",
    "Dropped",
    "Instance",
    "Instances",
    "Mask",
    "Planes",
    "PresentClass",
    "Segment",
    "Segments",
    "SemanticMap",
    "class_probabilities",
    "confidence",
    "dropped",
    "instances",
    "layer_labels",
    "panoptic",
    "planes",
    "present_classes",
    "semantic",
]
