"""Backbones of this project's own: importing this package makes them known to the library.

``import segdemo`` sees to it as soon as somebody imports the library's Mask2Former, and no earlier: it stays light.
"""

from segdemo.model.backbones.efficientnet_lite import EfficientNetLiteBackbone, EfficientNetLiteConfig

__all__ = ["EfficientNetLiteBackbone", "EfficientNetLiteConfig"]
