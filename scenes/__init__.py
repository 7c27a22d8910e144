"""Scenes of our own: painted pictures with exact panoptic ground truth in ADE20K's classes.

``generate(seed)`` paints one scene. Every stroke paints the picture, its label and its instance together, so the
ground truth is exact by construction. The same seed gives the same scene on every machine.

Seeds are shared out, so that no picture is both learned from and judged by: training uses those below a million,
validation those below two, and the demo's examples those from ``EXAMPLE_SEEDS`` on.
"""

from .scene import EXAMPLE_SEEDS, KINDS, Scene, generate

__all__ = ["EXAMPLE_SEEDS", "KINDS", "Scene", "generate"]
