"""Kinds of network: one file a family, from a checkpoint folder to what ``Prediction`` keeps."""
