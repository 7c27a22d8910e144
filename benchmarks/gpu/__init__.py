"""The path on a graphics card: ``python -m benchmarks.gpu``."""
