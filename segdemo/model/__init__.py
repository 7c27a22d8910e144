"""The network: from a photograph to a ``Prediction``."""

import os

# PyTorch then asks the system for large pages, which halves the time it spends on getting memory; read at its start.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
