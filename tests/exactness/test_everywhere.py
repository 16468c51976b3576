"""A part of the cases; `python -m tests.exactness.run` takes them all, up to odd thousands of pixels a side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import zoo
from tests.exactness.cases import WAYS, Case, Kind, apart, batched, cut, kinds, whole
from tests.exactness.run import MOST_SHARE, MOST_STEPS, Sum, draw, holds

LIGHT = 60_000
"""Multiply-adds per pixel of the models that are quick enough to be among these."""
FEW = [
    kind
    for kind in kinds(most_work=LIGHT)
    if kind.engine == "openvino" or kind.model.startswith(("swift", "espcn", "bicubic"))
]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    kind=st.sampled_from(FEW),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.integers(1, 4),
    bits=st.sampled_from([8, 16]),
    factor=st.sampled_from([2, 3, 4, 0.6, 2.5]),
    tile=st.integers(16, 60),
    threads=st.integers(1, 3),
    way=st.sampled_from(WAYS),
    seed=st.integers(1, 50),
)
def test_every_way_gives_the_same_pixels(
    tmp_path_factory: pytest.TempPathFactory,
    kind: Kind,
    height: int,
    width: int,
    channels: int,
    bits: int,
    factor: float,
    tile: int,
    threads: int,
    way: str,
    seed: int,
) -> None:
    case = Case(kind, height, width, channels, bits, factor, tile, threads, way, seed)
    pytest.importorskip(kind.engine, reason="the engine is not installed")
    found = apart(cut(case, tmp_path_factory.mktemp("case")), whole(case))
    if kind.engine == "openvino" or kind.precision == "int8":
        assert found.differing == 0
    else:  # in so few pixels, one in a million is none or one
        assert found.most <= MOST_STEPS and found.differing <= 1


def test_thousands_of_pixels_a_side(tmp_path: Path) -> None:
    precision = "int8" if any(kind.precision == "int8" for kind in FEW) else "fp32"
    for height, width, way in ((3, 3001, "tiles"), (2049, 5, "strips")):
        case = Case(Kind("swift-x2", "openvino", precision), height, width, 3, 8, 2, 97, 2, way)
        assert apart(cut(case, tmp_path), whole(case)).differing == 0


@pytest.mark.parametrize(
    "kind", [kind for kind in FEW if kind.model in {"swift-x2", "espcn-x3", "bicubic-x2"}], ids=str
)
def test_a_batch_of_tiles_is_its_tiles(kind: Kind) -> None:
    pytest.importorskip(kind.engine, reason="the engine is not installed")
    assert batched(kind)


def test_the_full_run_has_every_model_and_says_what_is_wrong(tmp_path: Path) -> None:
    assert {kind.model for kind in kinds()} == set(zoo.model_names())
    dice = np.random.default_rng(1)
    drawn = [draw(Kind("swift-x2", "openvino", "fp32"), dice) for _ in range(300)]
    assert {case.way for case in drawn} == set(WAYS) and max(case.height for case in drawn) > 2000
    one = np.zeros((1000, 1000, 3), np.uint8)
    other = one.copy()
    other[3, 4, 1] = 1
    found = apart(one, other)
    assert (found.pixels, found.differing, found.most) == (1_000_000, 1, 1)
    total = Sum()
    total.add(drawn[0], found)
    assert holds(("onnxruntime", "fp32"), total) and not holds(("openvino", "fp32"), total)
    other[5, 5] = 2
    total.add(drawn[0], apart(one, other))
    assert not holds(("onnxruntime", "fp32"), total) and MOST_SHARE == 1e-6
