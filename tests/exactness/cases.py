"""Ways to compute one and the same result, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel import image, zoo
from subpixel.engines import has_bf16, has_vnni
from subpixel.image import streaming
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler

WHOLE = 8192
WAYS = ("tiles", "strips", "side by side")
"""In tiles, in memory; from file to file in strips; in tiles, with other pictures in work at the same time."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A model, what runs it and in which arithmetic."""

    model: str
    engine: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, and how it is cut.

    Attributes:
        kind: the network.
        height, width, channels, bits: of the picture.
        factor: of the result.
        tile: largest side of a tile.
        threads: tiles computed side by side.
        way: one of `WAYS`.
        seed: of the picture.
    """

    kind: Kind
    height: int
    width: int
    channels: int
    bits: int
    factor: float
    tile: int
    threads: int
    way: str
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Apart:
    """How far a result is from the one computed in one piece.

    Attributes:
        pixels: of the result.
        differing: pixels with any other sample.
        most: largest difference, in steps of 8 bits.
    """

    pixels: int
    differing: int
    most: float


def kinds(engines: Sequence[str] = ("openvino", "onnxruntime"), most_work: int | None = None) -> list[Kind]:
    """Every shipped model in every engine and precision that this computer has."""
    found = []
    for model in zoo.model_names():
        card = zoo.card(model)
        if most_work is not None and card.work > most_work:
            continue
        for engine in engines:
            precisions: list[Precision] = ["fp32"]
            if engine == "openvino" and has_bf16() and card.bf16:
                precisions.append("bf16")
            if card.int8 and has_vnni():
                precisions.append("int8")
            found += [Kind(model, engine, precision) for precision in precisions]
    return found


def picture(height: int, width: int, channels: int, bits: int, seed: int) -> Picture:
    """Waves, noise, flat areas, grey areas, black and white; alpha with a hole and soft edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [np.sin(x / (3 + c) + seed) * np.cos(y / (5 - c)) for c in range(channels)]
    made = 0.5 + 0.35 * np.stack(waves, axis=2) + 0.1 * rng.standard_normal((height, width, channels))
    made[height // 3 : height // 2, width // 4 : width // 2] = rng.random()
    made[: height // 5, width // 2 :, :] = made[: height // 5, width // 2 :, :1]
    made[height * 4 // 5 :, : width // 3] = rng.integers(0, 2)
    if channels in (2, 4):
        away = np.hypot(y - height / 2, x - width / 3) / max(height, width)
        made[..., -1] = np.clip((away - 0.15) * 12, 0, 1) if seed % 3 else 1
    top = 255 if bits == 8 else 65_535
    samples = (np.clip(made, 0, 1) * top).round().astype(np.uint8 if bits == 8 else np.uint16)
    return Picture(samples[None])


@lru_cache(maxsize=6)
def upscaler(kind: Kind, threads: int) -> Upscaler:
    """One that keeps its networks; the side of tiles is set before each use."""
    return Upscaler(kind.model, engine=kind.engine, precision=kind.precision, threads=threads)


def whole(case: Case) -> NDArray[np.generic]:
    """The result in one piece, by one thread."""
    one = upscaler(case.kind, 1)
    one.tile = WHOLE
    source = picture(case.height, case.width, case.channels, case.bits, case.seed)
    return one.picture(source, Target(case.factor)).picture.pixels[0]


def cut(case: Case, folder: Path) -> NDArray[np.generic]:
    """The result as the case wants it computed."""
    one = upscaler(case.kind, case.threads)
    one.tile = case.tile
    source, target = picture(case.height, case.width, case.channels, case.bits, case.seed), Target(case.factor)
    if case.way == "tiles":
        return one.picture(source, target).picture.pixels[0]
    if case.way == "side by side":
        others = [picture(40 + n, 61, case.channels, case.bits, n) for n in range(2)]
        with ThreadPoolExecutor(3) as pool:
            made = list(pool.map(lambda each: one.picture(each, target), [others[0], source, others[1]]))
        return made[1].picture.pixels[0]
    image.write(source, folder / "in.png", overwrite=True)
    with in_strips():
        one.file(folder / "in.png", folder / "out.tif", target, overwrite=True)
    return image.read(folder / "out.tif").pixels[0]


@contextmanager
def in_strips() -> Iterator[None]:
    """Every picture that can be is read in strips of 16 rows."""
    before = streaming.STREAMED_FROM, streaming._STRIP_BYTES
    streaming.STREAMED_FROM, streaming._STRIP_BYTES = 0, 1  # type: ignore[misc]
    try:
        yield
    finally:
        streaming.STREAMED_FROM, streaming._STRIP_BYTES = before  # type: ignore[misc]


def apart(one: NDArray[np.generic], other: NDArray[np.generic]) -> Apart:
    """How far two results (H, W, C) are from each other."""
    assert one.shape == other.shape and one.dtype == other.dtype
    step = 1 if one.dtype == np.uint8 else 257
    # What is promised is promised of 8 bits: in 16, float engines turn a last bit now and then, which `most` tells.
    differs = one != other if step == 1 else np.abs(one.astype(np.int64) - other.astype(np.int64)) >= step // 2
    most = int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max())
    return Apart(one.shape[0] * one.shape[1], int(differs.any(axis=2).sum()), most / step)


def batched(kind: Kind, seed: int = 1) -> bool:
    """Whether a batch of tiles gives for each what it gives alone, bit for bit."""
    from subpixel.engines import EngineSettings, load_engine

    model = zoo.load_model(kind.model)
    run = load_engine(kind.engine).load(model.network, EngineSettings(1, kind.precision))
    side = 8 * model.card.align + 2 * (model.card.halo + -model.card.halo % model.card.align)
    batch = np.random.default_rng(seed).random((3, model.card.channels, side, side), np.float32)
    together = run(batch)
    alone = [run(np.ascontiguousarray(tile[None])) for tile in batch]
    return all(np.array_equal(made[n], alone[n][k][0]) for k, made in enumerate(together) for n in range(len(batch)))
