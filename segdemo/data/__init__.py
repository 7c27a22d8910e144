"""Labelled pictures from disk, in whatever layout, all as ``Sample``."""

from segdemo.data.dataset import Dataset
from segdemo.data.load import load_source, picture_names
from segdemo.data.recognise import open_source
from segdemo.data.source import SourceConfig

__all__ = ["Dataset", "SourceConfig", "load_source", "open_source", "picture_names"]
