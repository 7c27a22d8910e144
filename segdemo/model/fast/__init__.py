"""The accelerated Mask2Former-Swin network; the library's own is the reference, and runs where this cannot."""
