"""Engines: one method, the same numbers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import (
    EngineSettings,
    Levels,
    choose_precision,
    engine_names,
    has_bf16,
    has_vnni,
    load_engine,
    load_samples,
    load_tiles,
    openvino,
)
from subpixel.errors import EngineError, ModelDamaged, SettingError
from subpixel.types import NetworkFile, Precision
from tests import networks

NETWORKS = list(zoo.model_names())
ENGINES = ("openvino", "onnxruntime")


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).random(shape, dtype=np.float32)


def test_entry_points_and_table_agree() -> None:
    from importlib.metadata import entry_points

    listed = {entry.name: entry.value for entry in entry_points(group="subpixel.engines") if "subpixel" in entry.value}
    from subpixel import engines

    assert {**listed, "fake": engines._OWN["fake"]} == engines._OWN
    assert set(engine_names()) >= {"openvino", "onnxruntime"}
    assert "fake" not in engine_names(), "a person must not be offered it"


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 33)])
def test_engines_agree_within_one_level(name: str, size: tuple[int, int]) -> None:
    pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    model = zoo.load_model(name)
    height, width = (side * model.card.align for side in size)
    batch = _noise(2, model.card.channels, height, width)
    ones, others = (load_engine(name).load(model.network, EngineSettings(2, "fp32"))(batch) for name in ENGINES)
    for one, other, scale in zip(ones, others, model.card.scales, strict=True):
        assert one.shape == other.shape == (2, model.card.channels, height * scale, width * scale)
        assert one.dtype == other.dtype == np.float32
        assert np.abs(one - other).max() < 1e-4, "far below 1/255"


@pytest.mark.skipif(not has_bf16(), reason="this processor computes no bf16")
@pytest.mark.parametrize("name", NETWORKS)
def test_bf16_stays_near(name: str) -> None:
    model = zoo.load_model(name)
    y, x = np.mgrid[:64, :64].astype(np.float32)
    batch = (0.5 + 0.3 * np.sin(x / 3) * np.cos(y / 5) + 0.1 * _noise(64, 64))[None, None]
    batch = np.repeat(batch, model.card.channels, axis=1).astype(np.float32)
    exact = load_engine("openvino").load(model.network, EngineSettings(1, "fp32"))(batch)
    quick = load_engine("openvino").load(model.network, EngineSettings(1, "bf16"))(batch)
    for one, other in zip(exact, quick, strict=True):
        assert np.sqrt(np.mean((one - other) ** 2)) < 1 / 255


@pytest.mark.skipif(not has_bf16(), reason="this processor computes no bf16")
def test_with_amx_narrow_batches_are_computed_as_wide_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    network = zoo.load_model("espcn-x2").network
    batch = _noise(2, 1, 30, 200)
    monkeypatch.setattr(openvino, "cpu_flags", lambda: frozenset({"amx_bf16"}))
    run = load_engine("openvino").load(network, EngineSettings(1, "bf16"))
    (whole,) = run(batch)
    for width in (2 * network.halo + 1, 24, 40, 63, 64, 120):
        (part,) = run(np.ascontiguousarray(batch[..., :width]))
        assert part.shape == (2, 1, 60, 2 * width)
        kept = slice(2 * network.halo, 2 * (width - network.halo))
        np.testing.assert_array_equal(part[..., kept], whole[..., kept])


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_with_amx_tiles_get_rows_of_a_quick_length(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of a tile stays as it is; fp32 does not use AMX, and keeps its rows."""
    if precision == "int8" and not has_vnni():
        pytest.skip("this processor has no int8")
    network = zoo.load_model("swift-x2").network
    seen: list[int] = []
    settings = EngineSettings(1, precision)
    widen = openvino._with_quick_rows

    def watched(batch: Any, *others: Any) -> Any:
        made = widen(batch, *others)
        seen.append(made.shape[3])
        return made

    monkeypatch.setattr(openvino, "_with_quick_rows", watched)
    results = []
    for flags in (frozenset[str](), frozenset({"amx_int8"})):
        monkeypatch.setattr(openvino, "cpu_flags", lambda flags=flags: flags)
        run = load_tiles("openvino", network, settings)
        samples = load_samples("openvino", network, settings, Levels(1 / 255))
        assert (samples is not None) == (precision == "int8")
        for width in (200, 256, 257, 288, 335):
            batch = np.random.default_rng(width).integers(0, 256, (1, 1, 24, width), np.uint8)
            margin = 2 * network.halo
            (floats,) = run(batch / np.float32(255))
            assert floats.shape == (1, 1, 48, 2 * width)
            results.append(floats[..., margin:-margin, margin:-margin])
            if samples is not None:
                made = np.empty((48 - 2 * margin, 2 * width - 2 * margin), np.uint8)
                samples(batch, made, margin)
                results.append(made)
    if precision == "int8":
        assert seen[::2] == seen[1::2] == [200, 256, 257, 288, 335, 200, 256, 272, 288, 336]
    else:
        assert seen == 2 * [200, 256, 257, 288, 335]
    half = len(results) // 2
    for one, other in zip(results[:half], results[half:], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "fake"])
def test_runners_work_side_by_side(name: str) -> None:
    if name == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    network = zoo.load_model("bicubic-x2").network
    run = load_engine(name).load(network, EngineSettings(3))
    batches = [_noise(1, 1, 20 + i, 30) for i in range(12)]
    alone = [run(batch)[0] for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        together = [results[0] for results in pool.map(run, batches)]
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fake_repeats() -> None:
    network = NetworkFile("any", b"", scale=3, channels=1, halo=0)
    out = load_engine("fake").load(network, EngineSettings())(np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2))[0]
    np.testing.assert_array_equal(out[0, 0, ::3, ::3], [[0, 1], [2, 3]])
    assert out.shape == (1, 1, 6, 6)


def _two(tmp_path: Path) -> NetworkFile:
    pytest.importorskip("onnx", reason="makes the network: pip install onnx")
    pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    return zoo.load_model(networks.two_outputs(tmp_path / "two", strides=True)).network


def test_several_outputs_come_in_rising_order(tmp_path: Path) -> None:
    network = _two(tmp_path)
    batch = _noise(2, 3, 10, 14)
    made = [load_engine(name).load(network, EngineSettings())(batch) for name in ENGINES]
    for twice, four in made:
        assert (twice.shape, four.shape) == ((2, 3, 20, 28), (2, 3, 40, 56))
    for one, other in zip(*made, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    repeated = load_engine("fake").load(network, EngineSettings())(batch)
    assert [result.shape for result in repeated] == [result.shape for result in made[0]]


@pytest.mark.parametrize("name", ENGINES)
def test_one_of_several_outputs_alone(tmp_path: Path, name: str) -> None:
    network = _two(tmp_path)
    batch = _noise(1, 3, 8, 6)
    both = load_engine(name).load(network, EngineSettings(1, "fp32"))(batch)
    for index, scale in enumerate(network.scales):
        alone = load_engine(name).load(network, EngineSettings(1, "fp32", (scale,)))(batch)
        assert len(alone) == 1
        np.testing.assert_allclose(alone[0], both[index], atol=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_several_outputs_side_by_side(tmp_path: Path, name: str) -> None:
    run = load_engine(name).load(_two(tmp_path), EngineSettings(3))
    batches = [_noise(1, 3, 20 + 2 * i, 30) for i in range(12)]
    alone = [run(batch) for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(run, batches))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ENGINES)
def test_fewer_outputs_than_the_card_says(name: str) -> None:
    pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    shipped = zoo.load_model("bicubic-x4").network
    with pytest.raises(ModelDamaged, match=r"has 1 output\(s\), its card says 2"):
        load_engine(name).load(NetworkFile("one", shipped.onnx, 4, 1, 2, scales=(2, 4)), EngineSettings())


def test_unknown_engine_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingError, match="did you mean openvino"):
        load_engine("openvin")
    with pytest.raises(SettingError, match=r"there are .*onnxruntime"):
        load_engine("zzz")


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_garbage_is_refused_in_one_line(name: str) -> None:
    if name == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    with pytest.raises(EngineError, match="cannot load the network broken") as caught:
        load_engine(name).load(NetworkFile("broken", b"not onnx", 2, 1, 0), EngineSettings())
    assert "\n" not in str(caught.value)


def test_onnxruntime_refuses_bf16() -> None:
    with pytest.raises(EngineError, match="bf16"):
        load_engine("onnxruntime").load(zoo.load_model("bicubic-x2").network, EngineSettings(1, "bf16"))


INTEL, AMD = "GenuineIntel", "AuthenticAMD"


@pytest.mark.parametrize(
    ("flags", "vendor", "engine", "int8", "expected"),
    [
        ({"avx512_vnni", "avx512_bf16"}, AMD, "openvino", True, "int8"),
        ({"avx_vnni"}, INTEL, "openvino", True, "int8"),
        ({"avx_vnni"}, INTEL, "onnxruntime", True, "int8"),
        ({"avx_vnni"}, INTEL, "fake", True, "fp32"),
        ({"avx512_vnni", "avx512_bf16"}, AMD, "openvino", False, "bf16"),
        ({"avx512_vnni", "avx512_bf16"}, INTEL, "openvino", False, "fp32"),
        ({"avx512_bf16", "amx_bf16"}, INTEL, "openvino", False, "bf16"),
        ({"bf16"}, "", "openvino", False, "bf16"),
        ({"avx512_bf16"}, AMD, "openvino", True, "bf16"),
        ({"avx512_bf16"}, AMD, "onnxruntime", True, "fp32"),
        ({"avx2"}, AMD, "openvino", True, "fp32"),
    ],
)
def test_precision_follows_processor_model_and_depth(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], vendor: str, engine: str, int8: bool, expected: str
) -> None:
    monkeypatch.setattr("subpixel.engines.processor.cpu_flags", lambda: frozenset(flags))
    monkeypatch.setattr("subpixel.engines.processor.cpu_vendor", lambda: vendor)
    assert choose_precision("auto", bits=8, engine=engine, int8=int8) == expected
    assert choose_precision("auto", bits=16, engine=engine, int8=int8) == "fp32"
    assert choose_precision("bf16", bits=16, engine=engine, int8=int8) == "bf16"


def test_what_linux_tells_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel.engines import processor

    fresh = processor._cpu_info.__wrapped__
    two = "processor: 0\nvendor_id: GenuineIntel\nflags\t: fpu avx2\n\nprocessor: 1\nflags: no\n"
    for text, vendor, flags in (
        (two, INTEL, {"fpu", "avx2"}),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", "", {"fp", "asimd", "bf16"}),
        ("", "", set()),
    ):
        monkeypatch.setattr(processor, "_cpu_info", fresh)
        monkeypatch.setattr(processor.sys, "platform", "linux")
        monkeypatch.setattr(processor.Path, "read_text", lambda *_, text=text, **__: text)
        assert processor.cpu_vendor() == vendor
        assert processor.cpu_flags() == flags
        monkeypatch.setattr(processor.sys, "platform", "darwin")
        assert processor.cpu_flags() == frozenset()


@pytest.mark.parametrize("engine", ENGINES)
def test_int8_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    network = zoo.load_model("bicubic-x2").network
    with pytest.raises(EngineError, match="bicubic-x2 has no int8"):
        load_engine(engine).load(network, EngineSettings(1, "int8"))
    monkeypatch.setattr("subpixel.engines.processor.cpu_flags", lambda: frozenset({"avx2"}))
    with pytest.raises(EngineError, match="this processor does not compute in int8"):
        load_engine(engine).load(replace(network, int8=True), EngineSettings(1, "int8"))


def test_the_first_calls_may_come_together() -> None:
    """In a fresh process, two threads that run a network for the first time at once do not block each other."""
    import subprocess
    import sys

    program = (
        "import numpy as np; from subpixel.upscaler import Upscaler\n"
        "picture = np.zeros((96, 192, 3), np.uint8)\n"
        "print(Upscaler(threads=4, tile=48).upscale(picture, scale=2).shape)"
    )
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == "(192, 384, 3)"
