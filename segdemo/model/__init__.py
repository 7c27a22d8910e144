"""The network: from a photograph to a ``Prediction``."""

from segdemo.model.memory import keep_freed_memory

keep_freed_memory()
