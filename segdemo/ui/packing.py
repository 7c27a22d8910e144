"""Arrays and files on their way to the page: see ``segdemo.packing``."""

from segdemo.packing import data_url, pack, to_bytes

__all__ = ["data_url", "pack", "to_bytes"]
