"""The network: from a photograph to a ``Prediction``."""

import os

# Read when PyTorch starts. Large pages halve the time it spends on getting memory from the system; threads that sleep
# while they wait for each other, instead of spinning, leave the processor to whoever else needs it, the page included.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
