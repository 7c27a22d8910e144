"""Labelled pictures from disk or from the generator, all as ``Sample``."""

from segdemo.data.load import load_source, picture_names

__all__ = ["load_source", "picture_names"]
