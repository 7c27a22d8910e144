"""The converted graph: equal to the network at every size and batch, kept, checked, made again when damaged."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from segdemo.cli.optimise import optimise
from segdemo.errors import SegdemoError
from segdemo.export.graphs import make_graph, make_graph_in_background
from segdemo.export.parity import Comparison
from segdemo.model import engines
from segdemo.model import graph as graphs
from segdemo.model.capture import NOTHING, Request, Without
from segdemo.model.engines import make_engine, processor_precision
from segdemo.model.fallback import FallbackEngine
from segdemo.model.fast.network import Network
from segdemo.model.graph import Graph, Parity, find_graph, graph_folder
from segdemo.model.networks import load_network, release_network
from segdemo.progress import CancelledError
from segdemo.settings import Settings

pytestmark = pytest.mark.slow
if find_spec("openvino") is None:
    pytest.skip('the engine is an extra: pip install -e ".[openvino]"', allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphs, "settings", lambda: Settings(cache_dir=folder))
        yield folder


@pytest.fixture(scope="module")
def graph(tiny_checkpoint: Path, cache: Path) -> Graph:
    return make_graph(tiny_checkpoint, shapes=[(96, 160)])


@pytest.fixture(scope="module")
def reduced_graph(tiny_checkpoint: Path, cache: Path) -> Graph:
    return make_graph(tiny_checkpoint, "bf16")


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path, graph: Graph) -> Any:
    return make_engine(tiny_checkpoint, engine="openvino", precision="fp32")


def pixels(height: int, width: int, batch: int = 1) -> npt.NDArray[np.float32]:
    coarse = torch.randn(batch, 3, height // 16, width // 16, generator=torch.Generator().manual_seed(height + width))
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear").numpy()


@pytest.mark.parametrize(
    ("height", "width", "batch"), [(96, 128, 1), (96, 128, 3), (64, 64, 1), (160, 96, 2), (64, 480, 1)]
)
def test_every_output_equals_the_network(
    engine: Any, tiny_checkpoint: Path, height: int, width: int, batch: int
) -> None:
    values = pixels(height, width, batch)
    network = load_network(tiny_checkpoint)
    expected, raw = network.run(torch.from_numpy(values)), engine(values)
    assert (raw.strides, list(raw.stages)) == (expected.strides, list(expected.stages))
    outputs = [(getattr(raw, name), getattr(expected, name)) for name in ("masks", "classes", "attentions")]
    for ours, theirs in (*outputs, (tuple(raw.stages.values()), tuple(expected.stages.values()))):
        assert [array.shape for array in ours] == [array.shape for array in theirs]
        assert [array.dtype for array in ours] == [array.dtype for array in theirs]
        for left, right in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(left.astype(np.float32), right.astype(np.float32), rtol=2e-3, atol=2e-3)
    assert np.array_equal(raw.unmasked, expected.unmasked)
    np.testing.assert_allclose(raw.masks[-1], expected.masks[-1], rtol=1e-3, atol=1e-5)
    assert (raw.start.strides, raw.start.mask_stride) == (expected.start.strides, expected.start.mask_stride)
    starts = [(*found.start.levels, found.start.masks) for found in (raw, expected)]
    for left, right in zip(*starts, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-4)


def test_the_decoder_runs_alone(engine: Any, tiny_checkpoint: Path) -> None:
    raw = engine(pixels(96, 128))
    again = engine.decode(raw.start, height=96, without=NOTHING)
    np.testing.assert_allclose(again.masks[-1], raw.masks[-1], rtol=1e-3, atol=1e-4)
    assert again.strides == raw.strides
    less = engine.decode(raw.start, height=96, without=Without(layers=frozenset({1})))
    network = load_network(tiny_checkpoint)
    start = [torch.from_numpy(level) for level in raw.start.levels], torch.from_numpy(raw.start.masks)
    expected = network.decode(*start, height=96, without=Without(layers=frozenset({1})))
    np.testing.assert_allclose(less.masks[-1], expected.masks[-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("height", "width", "batch"), [(96, 128, 1), (64, 64, 2)])
def test_bfloat16_is_where_the_network_has_it(
    reduced_graph: Graph, tiny_checkpoint: Path, height: int, width: int, batch: int
) -> None:
    engine = make_engine(tiny_checkpoint, engine="openvino", precision="bf16")
    values = pixels(height, width, batch)
    raw, expected = engine(values), load_network(tiny_checkpoint, precision="bf16").run(torch.from_numpy(values))
    exact = load_network(tiny_checkpoint).run(torch.from_numpy(values))
    assert engine.precision == "bf16"
    # The first masks have no threshold before them; what follows may differ in a cell of the attention's mask.
    scale = float(np.abs(exact.masks[0]).mean())
    assert 1e-5 * scale < np.abs(raw.masks[0] - exact.masks[0]).mean() < 0.02 * scale
    assert np.abs(raw.masks[0] - expected.masks[0]).mean() < 0.02 * scale
    assert [array.shape for array in raw.attentions] == [array.shape for array in expected.attentions]


def test_a_graph_has_one_precision(graph: Graph, reduced_graph: Graph, tiny_checkpoint: Path) -> None:
    assert graph.folder != reduced_graph.folder
    assert find_graph(tiny_checkpoint, "bf16") == reduced_graph
    sizes = [(found.folder / "model.bin").stat().st_size for found in (graph, reduced_graph)]
    assert sizes[1] < sizes[0]


def test_without_capture_only_the_last_layer(engine: Any) -> None:
    raw = engine(pixels(64, 64), Request(capture=False))
    assert len(raw.masks) == len(raw.classes) == 1
    assert raw.attentions == ()
    assert raw.unmasked is None
    assert not raw.stages


def test_parity_was_measured_and_is_kept(graph: Graph, tiny_checkpoint: Path) -> None:
    assert (96, 160) in {(entry.height, entry.width) for entry in graph.parity}
    assert min(entry.labels_agree for entry in graph.parity) >= 0.9999
    assert find_graph(tiny_checkpoint, "fp32") == graph
    assert make_graph(tiny_checkpoint) == graph
    leftovers = [path for path in graph.folder.parent.iterdir() if path.name.startswith(".making")]
    assert leftovers == []


def test_outputs_outlive_the_next_run(engine: Any) -> None:
    first = engine(pixels(64, 64))
    before = first.masks[-1].copy()
    engine(pixels(64, 64) * 0.1)
    assert np.array_equal(first.masks[-1], before)


def test_a_run_can_be_stopped(engine: Any) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        engine(pixels(64, 64), Request(cancel=cancel.is_set))
    seen: list[float] = []
    engine(pixels(64, 64), Request(progress=seen.append))
    assert seen[-1] == 1


def test_a_run_is_stopped_while_it_runs(engine: Any) -> None:
    class Second(threading.Event):
        """Set from the second look on: the first is before the run starts."""

        looks = 0

        def is_set(self) -> bool:
            self.looks += 1
            return self.looks > 1

    cancel = Second()
    with pytest.raises(CancelledError):
        engine(pixels(640, 864, 8), Request(cancel=cancel.is_set))
    assert cancel.looks == 2
    assert len(engine(pixels(64, 64)).masks) == 5


def test_other_weights_have_another_place(tiny_checkpoint: Path, tiny_ade_checkpoint: Path) -> None:
    assert graph_folder(tiny_checkpoint, "fp32") != graph_folder(tiny_ade_checkpoint, "fp32")
    assert find_graph(tiny_ade_checkpoint, "fp32") is None
    with pytest.raises(SegdemoError, match="optimise"):
        make_engine(tiny_ade_checkpoint, engine="openvino", precision="fp32")


def test_a_graph_that_disagrees_is_not_kept(tiny_ade_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng()
    monkeypatch.setattr(Comparison, "_labels", lambda self, size, *_: noise.integers(0, 99, size))
    with pytest.raises(SegdemoError, match="disagrees"):
        make_graph(tiny_ade_checkpoint)
    assert find_graph(tiny_ade_checkpoint, "fp32") is None


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.2])
def test_results_are_right_after_stops(engine: Any, pause: float) -> None:
    values = pixels(64, 64)
    before = engine(values)
    for height in (640, 96):
        cancel = threading.Event()
        timer = threading.Timer(pause, cancel.set)
        timer.start()
        with contextlib.suppress(CancelledError):
            engine(pixels(height, 864), Request(cancel=cancel.is_set))
        timer.join()
        after = engine(values)
        np.testing.assert_allclose(after.masks[0], before.masks[0], rtol=1e-4, atol=1e-5)
        # Attention is masked by a threshold from the first layer on: rounding may flip a cell of it.
        slack = 0.01 * float(np.abs(before.masks[-1]).max())
        np.testing.assert_allclose(after.masks[-1], before.masks[-1], rtol=0, atol=slack)


@pytest.mark.parametrize("damage", ["short", "altered"])
def test_a_damaged_graph_is_removed(
    damage: str, graph: Graph, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(graphs, "settings", lambda: Settings(cache_dir=tmp_path))
    folder = graph_folder(tiny_checkpoint, "fp32")
    shutil.copytree(graph.folder, folder)
    weights = folder / "model.bin"
    data = bytearray(weights.read_bytes())
    if damage == "short":
        weights.write_bytes(data[:-100])
        assert find_graph(tiny_checkpoint, "fp32") is None
    else:
        half = len(data) // 2
        data[half:] = bytes(len(data) - half)
        weights.write_bytes(data)
        with pytest.raises(SegdemoError, match="removed"):
            make_engine(tiny_checkpoint, engine="openvino", precision="fp32")
    assert not folder.exists()


@pytest.mark.usefixtures("graph")
def test_auto_takes_the_graph_where_it_is_faster(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("a graphics card comes first")
    for faster, name in ((True, "openvino"), (False, "torch")):
        monkeypatch.setattr(Graph, "faster", faster)
        assert make_engine(tiny_checkpoint, precision="fp32").name == name
    assert make_engine(tiny_checkpoint, engine="torch").name == "torch"


def test_graphs_do_not_come_in_8_bits(tiny_checkpoint: Path) -> None:
    with pytest.raises(SegdemoError, match="choose fp32 or bf16"):
        make_graph(tiny_checkpoint, "int8")


def test_the_largest_size_tells_which_is_faster(graph: Graph) -> None:
    small = Parity(64, 64, 1, 0, seconds=1, network_seconds=9)
    large = Parity(640, 864, 1, 0, seconds=0.95, network_seconds=1)
    assert not replace(graph, parity=(small, large)).faster
    assert replace(graph, parity=(small,)).faster


def test_torch_serves_until_the_graph_is_ready_and_then_lets_go(tiny_checkpoint: Path, engine: Any) -> None:
    ready: list[Any] = []
    changed = threading.Event()

    def replaced() -> None:
        release_network(tiny_checkpoint)
        changed.set()

    serving = FallbackEngine(
        [lambda: make_engine(tiny_checkpoint, engine="torch")],
        better=lambda: (lambda: ready[0]) if ready else None,
        replaced=replaced,
    )
    serving(pixels(64, 64))
    assert serving.name == "torch"
    held = load_network(tiny_checkpoint)
    assert isinstance(held, Network)
    ready.append(engine)
    serving(pixels(64, 64))
    assert changed.wait(30)
    assert serving.name == "openvino"
    assert load_network(tiny_checkpoint) is not held


def test_command_converts_and_reports(tiny_checkpoint: Path, graph: Graph, capsys: pytest.CaptureFixture[str]) -> None:
    optimise(str(tiny_checkpoint), shape=["64x64, 96x64"], precision="fp32")
    said = capsys.readouterr()
    assert said.out.strip() == str(graph.folder)
    assert "100%" in said.err
    assert "labels equal" in said.err


def test_a_process_of_its_own_converts(
    tiny_checkpoint: Path, graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "has_native_bf16", lambda: False)
    assert make_graph_in_background(tiny_checkpoint) is None
    with monkeypatch.context() as host:
        host.setattr("segdemo.export.graphs.settings", lambda: Settings(precision="int8"))
        assert make_graph_in_background(tiny_checkpoint) is None
    monkeypatch.setenv("SEGDEMO_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(graphs, "settings", lambda: Settings(cache_dir=tmp_path))
    # At the lowest priority it would not come to its turn beside other tests: a system without priorities stands in.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("import os\n\ndel os.nice\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    process = make_graph_in_background(tiny_checkpoint)
    assert process is not None
    assert process.wait(240) == 0
    monkeypatch.undo()
    monkeypatch.setattr(graphs, "settings", lambda: Settings(cache_dir=tmp_path))
    assert find_graph(tiny_checkpoint, processor_precision()) is not None


def test_nothing_is_reported_on_import(tmp_path: Path) -> None:
    code = (
        "import multiprocessing.process, sys, urllib.request\n"
        "def refuse(*args, **options): print('asked for', args); sys.exit(1)\n"
        "urllib.request.urlopen = multiprocessing.process.BaseProcess.start = refuse\n"
        "from segdemo.model.graph import require_openvino\n"
        "require_openvino()\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__, 'openvino_telemetry' in sys.modules)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "CI"} | {"HOME": str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "openvino.tools.ovc.telemetry_stub False"
    assert list(tmp_path.rglob("*cid*")) == []
