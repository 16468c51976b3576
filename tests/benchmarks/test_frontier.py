"""The frontier's command: what needs no other system's models."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import subpixel
from subpixel import zoo
from subpixel.errors import SettingError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="runs in a checkout of the project")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Imports a module of the benchmarks, which find each other as scripts do."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def invented(load, **psnr: float):  # type: ignore[no-untyped-def]
    """Measurements of a line of models, 10 ms per megapixel each, beside two of OpenCV's."""
    state = load("measurements").Measurements("a machine", "a command")
    times, quality = load("timing").Times, load("scoring").Quality
    for family, decibels in {"espcn": 30.9, "swift": 31.1, "crisp": 31.7, "fine": 32.1, **psnr}.items():
        for precision, slower in (("fp32", 4), ("bf16", 2), ("int8", 1)):
            name, kind = f"{family} {precision}", "other" if family == "espcn" else "house"
            spent = {"network": 6.0 * slower, "picture": 10.0 * slower}
            state.add_times([times(name, 4, kind, precision, "d", **spent, gops=500.0, share=0.7)])
            for pictures in ("Set5", "Set14", "BSD100"):
                state.add_quality(quality(name, 4, "d", "published", pictures, decibels, 0.9))
    for name, decibels, spent in (("OpenCV FSRCNN", 28.4, 50.0), ("OpenCV LapSRN", 28.7, 2000.0)):
        state.add_times([times(name, 4, "peer", "fp32", "d", spent, spent)])
        state.add_quality(quality(name, 4, "d", "published", "Set5", decibels, 0.8))
        state.add_quality(quality(name, 4, "d", "opencv", "Set5", decibels + 0.3, 0.8))
    return state


def test_the_command_measures_our_models_without_peers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    large = np.repeat(np.repeat(rng.integers(0, 255, (24, 24, 3)), 4, 0), 4, 1).astype(np.uint8)
    for kind, pixels in (("HR", large), ("LR", large[::4, ::4])):
        folder = tmp_path / "benchmark" / "Set5" / kind / "x4"
        folder.mkdir(parents=True)
        subpixel.write(subpixel.Picture(np.ascontiguousarray(pixels)[None]), folder / "chequered.png")
    figures = tmp_path / "figures.json"
    words = ["--only", "time", "quality", "x4", "Set5", "espcn fp32", "bicubic", "--rounds", "1", "--threads", "1"]
    command = [sys.executable, str(BENCHMARKS / "frontier.py"), "--data", str(tmp_path), *words, "--json", str(figures)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(figures.read_text(encoding="utf-8"))
    own = next(row for row in found["times"] if row["system"] == "espcn fp32")
    assert own["network"] > 0
    assert own["picture"] > 0
    assert own["network_ratio"] == own["picture_ratio"] == 1
    assert 0 < own["share"] < 2
    assert {row["system"] for row in found["quality"]} == {"espcn fp32", "bicubic"}
    assert all(5 < row["psnr"] < 60 and row["small"] == "published" for row in found["quality"])


def test_systems_take_turns_and_ratios_are_of_one_round(load, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    systems, timing = load("systems"), load("timing")
    order: list[str] = []
    now = [0.0]
    monkeypatch.setattr(timing, "perf_counter", lambda: now[0])

    def system(name: str, seconds: float):  # type: ignore[no-untyped-def]
        def call() -> None:
            order.append(name)
            now[0] += seconds * (1 + len(order) // 12)  # the machine gets slower and slower

        return systems.System(name, "other", 4, "fp32", macs=1000, network=lambda height, width: call)

    scene, said = np.zeros((180, 320, 3), np.uint8), []
    both = [system(systems.REFERENCE, 0.02), system("slow", 0.06)]
    made = {one.system: one for one in timing.measure_times(both, scene, 3, 1, said.append)}
    assert made["slow"].calm < 0.85  # the clock is turned on by hand, the processor does nothing
    assert "measure again when nothing else runs" in said[-1]
    turns = [(name, len(list(run))) for name, run in groupby(order)]
    # Prepared, forward, backward, forward, each round after a look at how much of its time the reference gets: before
    # the other's turn in the second round that is all that the reference does.
    assert [name for name, _ in turns] == [systems.REFERENCE, "slow"] * 4
    assert turns[4][1] == 1 < turns[2][1]
    assert made["slow"].network_ratio == pytest.approx(3, rel=0.35)
    assert made["slow"].network > 60 / 0.9216
    assert made["slow"].gops == pytest.approx(2 * 1000 / 16 / made["slow"].network, rel=0.01)


def test_words_of_a_slice_are_told_apart(load) -> None:  # type: ignore[no-untyped-def]
    part = load("frontier").sliced(["time", "x4", "set14", "crisp", "OpenCV"])
    assert (part.parts, part.scales, part.sets, part.names) == (("time",), (4,), ("Set14",), ["crisp", "OpenCV"])
    assert load("frontier").sliced([]).scales == (2, 3, 4)


def test_figures_survive_a_file(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    state, path = invented(load), tmp_path / "figures.json"
    state.write(path)
    again = load("measurements").Measurements.read(path)
    assert {one.system: one for one in again.times} == {one.system: one for one in state.times}
    assert again.known() == state.known()
    assert [entry.name for entry in tmp_path.iterdir()] == ["figures.json"]
    again.add_quality(load("scoring").Quality("crisp int8", 4, "new", "published", "Set5", 33.0, 0.9))
    assert again.score("crisp int8", 4, "Set5").psnr == 33.0
    path.write_text('{"times": 3}', encoding="utf-8")
    with pytest.raises(SettingError, match="does not hold measurements"):
        load("measurements").Measurements.read(path)


def test_floors_tell_kept_from_broken(load) -> None:  # type: ignore[no-untyped-def]
    def verdicts(**psnr: float) -> dict[str, bool]:
        return {one.about: one.kept for one in load("floors").check(invented(load, **psnr))}

    good, bad = verdicts(), verdicts(crisp=31.5)
    assert good["crisp-x4: 31.6 dB on Set5"]
    assert not bad["crisp-x4: 31.6 dB on Set5"]
    assert good["swift-x4: 320×180 to 1280×720 in 6 ms"]  # 6 ms per megapixel, 0.92 megapixels
    empty = load("floors").check(load("measurements").Measurements())
    assert not any(one.kept for one in empty if "Set5" in one.about)


def test_a_report_has_every_system(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    text = load("frontier_tables").section(invented(load))
    for words in ("| crisp int8 | 31.70 / 0.9000 |", "| OpenCV FSRCNN | 28.40 / 0.8000 |", "500 | 70% |"):
        assert words in text
    assert "28.70 / 0.8000" in text.partition("Small pictures made by OpenCV")[2]


def test_times_of_another_machine_stand_without_scores(load) -> None:  # type: ignore[no-untyped-def]
    state = invented(load)
    state.machine, state.quality = "2 cores (AMX)", []
    text = load("frontier_tables").times_section(state)
    assert "Machine: 2 cores (AMX)." in text
    assert "| system | picture, ms |" in text
    assert "| OpenCV FSRCNN | 50.0 |" in text
    assert "dB" not in text


def test_pictures_are_drawn_and_labels_stand_apart(load, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("matplotlib")
    picture: ModuleType = load("frontier_picture")
    for path in picture.draw(invented(load), tmp_path):
        assert subpixel.read(path).size.width > 1000
    figure, axes = picture._figure("Crowded", [picture.Point("", x, y, "k") for x, y in ((1, 28), (1000, 32))])
    crowd = [picture.Point(f"system number {i}", 40 + 3 * i, 30 + 0.05 * (i % 3), "k") for i in range(6)]
    picture._scatter(axes, picture.Labels(axes), crowd)
    boxes = [picture.Text.get_window_extent(text) for text in axes.texts]  # without the lines that lead to them
    assert len(boxes) == len(crowd)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    picture.plt.close(figure)


HOUSE = [name for name in zoo.model_names() if zoo.card(name).family in ("swift", "crisp", "fine")]


@pytest.mark.parametrize("name", ["espcn-x4", "srcnn-x3", *HOUSE])
def test_pytorch_computes_the_same_network(load, name: str) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    network = zoo.load_model(name).network
    batch = load("systems").input_plane(48, 52)
    run = load("static").openvino_static(network, "fp32", 1, batch)
    expected = run()
    border = network.halo * network.scale
    inside = np.s_[..., border:-border, border:-border]
    assert np.abs(load("eager").torch_static(name, "fp32", 1, batch)() - expected)[inside].max() < 1e-3
    assert np.abs(load("static").onnxruntime_static(network, "fp32", 1, batch)() - expected).max() < 1e-3


def test_the_engine_computes_its_peak_in_every_precision(load) -> None:  # type: ignore[no-untyped-def]
    runs = {precision: load("static").openvino_peak(precision, 1) for precision in ("fp32", "int8")}
    made = {precision: run() for precision, run in runs.items()}
    assert made["fp32"].shape == (1, 64, 256, 256)
    assert np.corrcoef(made["fp32"].ravel(), made["int8"].ravel())[0, 1] > 0.95
