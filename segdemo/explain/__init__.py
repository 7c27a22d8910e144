"""Why: what the network made of the photograph before its queries looked, where they looked, what decided a pixel."""

from segdemo.explain.attention import AttentionFocus, attention_focus, attention_map
from segdemo.explain.features import FeatureMap, feature_maps, principal_components, similarity
from segdemo.explain.layers import (
    LayerOfQuery,
    QuerySummary,
    query_history,
    query_mask,
    query_masks,
    query_table,
    query_thumbnails,
)
from segdemo.explain.pixel import ClassAtPixel, PixelExplanation, Vote, explain_pixel

__all__ = [
    "AttentionFocus",
    "ClassAtPixel",
    "FeatureMap",
    "LayerOfQuery",
    "PixelExplanation",
    "QuerySummary",
    "Vote",
    "attention_focus",
    "attention_map",
    "explain_pixel",
    "feature_maps",
    "principal_components",
    "query_history",
    "query_mask",
    "query_masks",
    "query_table",
    "query_thumbnails",
    "similarity",
]
