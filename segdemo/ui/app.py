"""Builds the page (``create_app``) and says how it is to be launched."""

import logging
import math
import os
import threading
from importlib.resources import files
from typing import Any

import gradio as gr
import typer

from segdemo import checkpoints, examples
from segdemo.checkpoints import public_id
from segdemo.downloads import download
from segdemo.errors import SegdemoError
from segdemo.export.graphs import make_graph_in_background
from segdemo.model.predictor import load_predictor
from segdemo.process import collect_again, prepare_process
from segdemo.results.job import Host, Job
from segdemo.results.line import crowded
from segdemo.settings import settings
from segdemo.ui import viewer
from segdemo.ui.choices import by_public_id, check_extra_checkpoints
from segdemo.ui.endpoint import add_endpoints
from segdemo.ui.jobs import Jobs
from segdemo.ui.mcp.server import McpServer
from segdemo.ui.runs import Runner
from segdemo.ui.server.decoding import decoders
from segdemo.ui.server.folder import private_folder
from segdemo.ui.server.guard import guarded, refuse_calls, serve_beside
from segdemo.ui.store import Store
from segdemo.ui.workbench import build_workbench

logger = logging.getLogger(__name__)

TITLE = "segdemo: see what a mask transformer sees"
STYLES = ("page.css", "panels.css", "evaluate.css", "compare.css", "batch.css", "narrow.css")
"""The page's own styles, after the viewer's; the last one overrides the others on a narrow screen."""
SCRIPTS = (
    "state.js",
    "client.js",
    "widgets.js",
    "plot.js",
    "address.js",
    "keys.js",
    "thumbs.js",
    "classes.js",
    "lacking.js",
    "queries.js",
    "snapshot.js",
    "dropped.js",
    "source.js",
    "header.js",
    "report.js",
    "downloads.js",
    "exact.js",
    "refinement.js",
    "pixel.js",
    "tab_semantic.js",
    "tab_classes.js",
    "tab_panoptic.js",
    "tab_features.js",
    "tab_layers.js",
    "tab_attention.js",
    "tab_what_if.js",
    "evaluate_state.js",
    "evaluate_maps.js",
    "evaluate_labels.js",
    "evaluate_numbers.js",
    "tab_evaluate.js",
    "compare_sides.js",
    "compare_maps.js",
    "compare_numbers.js",
    "tab_compare.js",
    "tab_batch.js",
    "shell.js",
    "opening.js",
    "app.js",
)
"""The page's own scripts, after the viewer's, in the order in which they run; tabs appear in this order."""


def create_app(checkpoint: str | None = None, *, warm_up: bool = True, mcp: bool = False) -> gr.Blocks:
    """The page as Gradio Blocks; launch it with ``launch(**launch_options())``.

    ``checkpoint`` is a hub id whose weights are on disk, or a folder; without it the default one. A checkpoint that
    is not there leaves a line in the log and the default in its place. With ``warm_up`` the first example is run in
    the background, so that the first visitor finds it done; after that the checkpoint is converted for OpenVINO in a
    process of its own, where that is installed. With ``mcp`` the calls are served to language models, too: raises
    ``MissingExtraError`` where the extra is not installed.
    """
    prepare_process()
    check_extra_checkpoints()
    private_folder()
    chosen, available = _checkpoints(checkpoint)
    store = Store(max_bytes=settings().store_bytes, max_seconds=settings().store_seconds)
    host = Host(waiting=settings().queue_size)
    public = next(iter(by_public_id(available)))
    runner, jobs = Runner(store, lambda: available), Jobs(host)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600), fill_width=True) as blocks:
        build_workbench(runner, jobs, public)
        endpoints = add_endpoints(chosen.id, jobs)
    refuse_calls(blocks, lambda client: _full(host, client))
    if mcp:
        serve_beside(blocks, McpServer(endpoints, jobs))
    # Whose turn it is the host decides, which knows who asks: Gradio's own line only bounds what arrives.
    blocks.queue(max_size=_calls_at_once(), api_open=False)
    if warm_up:
        first = examples.offered()[0].id
        threading.Thread(target=_warm_up, args=(runner, host, chosen, first), daemon=True).start()
    return blocks


def launch_options(*, port: int | None = None) -> dict[str, Any]:
    """What ``Blocks.launch`` must be told for the page to look right and to be safe for strangers."""
    # Only the host says which proxies are believed, and the gate reads what they say: the server itself believes none.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    head = f"<style>{style()}</style>\n<script>{script()}</script>"
    return {
        "server_port": port,
        "theme": gr.themes.Base(primary_hue="teal", neutral_hue="zinc", font=_font()),
        "head": head,
        "footer_links": ["api"],
        "run_history": False,
        "ssr_mode": False,
        "show_error": False,
        "strict_cors": True,
        "allowed_paths": [],
        "max_file_size": settings().max_file_bytes,
        "share": False,
        "pwa": False,
        "state_session_capacity": 200,
        "max_threads": _calls_at_once(),
        "enable_monitoring": False,
        "mcp_server": False,
        "app_kwargs": {"lifespan": guarded()},
    }


def _full(host: Host, client: str) -> tuple[str, float] | None:
    """Why a call of this client would be turned away, and when to try again, in seconds."""
    for line in (decoders().line, host.memory, host.cores):
        if waiting := line.refuses(client):
            return crowded(waiting), host.wait_for(waiting) or 60.0
    return None


def _calls_at_once() -> int:
    """So many calls may be under way, most of them waiting; more than the host lets wait, so that it chooses whom."""
    return 4 * settings().queue_size


def _font() -> list[Any]:
    # The semi-bold file that comes with Gradio lacks most letters; regular and bold are whole.
    return [gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"]


def style() -> str:
    """The whole style of the page: the viewer's and that of what surrounds it."""
    return "\n".join([viewer.style(), *(_page_file(name) for name in STYLES)])


def script() -> str:
    """The whole script of the page: the viewer and what surrounds it."""
    return "\n".join([viewer.script(), *(_page_file(name) for name in SCRIPTS)])


def _page_file(name: str) -> str:
    return (files("segdemo.ui") / "page" / name).read_text(encoding="utf-8")


def _checkpoints(wanted: str | None) -> tuple[checkpoints.Checkpoint, list[checkpoints.Checkpoint]]:
    """The checkpoint to start with and all that visitors may choose; what is missing leaves a line in the log."""
    name = wanted or settings().checkpoint
    chosen = None
    if name:
        try:
            entry = _find_or_fetch(name)
            checkpoints.resolve(entry.id)
            chosen = entry
        except SegdemoError as error:
            logger.warning("%s Going on with what there is.", error)
    available = checkpoints.available_checkpoints()
    if chosen is None:
        chosen = next(filter(_readable, available), None) or checkpoints.default_checkpoint()
    return chosen, [chosen, *(entry for entry in available if entry.id != chosen.id)]


def _readable(entry: checkpoints.Checkpoint) -> bool:
    try:
        checkpoints.resolve(entry.id)
    except SegdemoError:
        return False
    return True


def _find_or_fetch(name: str) -> checkpoints.Checkpoint:
    try:
        return checkpoints.find(name)
    except SegdemoError:
        if not settings().allow_download:
            raise
    with typer.progressbar(length=100, label=f"Fetching {name}") as bar:
        download(name, progress=lambda share: bar.update(round(share * 100) - bar.pos))
    return checkpoints.find(name)


def _warm_up(runner: Runner, host: Host, checkpoint: checkpoints.Checkpoint, example: str | None) -> None:
    """Make the first visitor's wait short, and every later one's: PyTorch serves until the converted graph is ready."""
    try:
        job = Job(host, visitor="", seconds=math.inf, cancelled=lambda: False)
        runner.warm_up(job, public_id(checkpoint.id), example)
        engine = load_predictor(checkpoint.id).engine
        if engine.name == "torch" and engine.device == "cpu":
            make_graph_in_background(checkpoints.resolve(checkpoint.id))
    except SegdemoError as error:
        logger.warning("%s", error)
    finally:
        collect_again()
