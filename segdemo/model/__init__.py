"""The network: from a photograph to a ``Prediction``."""
