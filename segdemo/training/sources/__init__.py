"""Labelled pictures from disk or from the generator, all as ``Sample``."""

from segdemo.training.sources.load import load_source, picture_names

__all__ = ["load_source", "picture_names"]
