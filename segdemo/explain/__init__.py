"""Why: what the decoder's layers made of the photograph, where queries looked, and what decided a pixel."""

from segdemo.explain.attention import AttentionFocus, attention_focus, attention_map
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
    "LayerOfQuery",
    "PixelExplanation",
    "QuerySummary",
    "Vote",
    "attention_focus",
    "attention_map",
    "explain_pixel",
    "query_history",
    "query_mask",
    "query_masks",
    "query_table",
    "query_thumbnails",
]
