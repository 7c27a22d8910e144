"""The page's arguments as the options that the command line and HTTP have, too."""

from typing import Any

from segdemo.errors import SegdemoError
from segdemo.results.options import OutputOptions, Task, options_from
from segdemo.taxonomy import Taxonomy
from segdemo.ui.arguments import Arguments, choice, flag


def page_options(
    arguments: Arguments, taxonomy: Taxonomy, *, task: Task | None = None, things_only: bool = False
) -> OutputOptions:
    """The options that a page asks for; raises ``SegdemoError`` with a sentence that names the one that is wrong.

    ``task`` is the tab's own, where it has one. The Panoptic tab asks for things only, or for splitting them into
    connected parts, in its own words. ``things_only``: whether there is nothing else, whatever the page asks for.
    """
    wanted: Any = arguments.get("refine") or {}
    if not isinstance(wanted, dict):
        raise SegdemoError("refine must hold the sliders' values.")
    values: dict[str, Any] = {**arguments, **wanted}
    values["task"] = task or choice(arguments, "task", ("semantic", "panoptic"))
    if values["task"] == "panoptic":
        values["split_components"] = flag(arguments, "split")
        if flag(arguments, "things_only") or things_only:
            values["task"] = "instance"
    return options_from(values, taxonomy)
