"""Was this picture squeezed, and how strongly? Told by the file where it can, else by the pixels.

A PNG may have been a JPEG, an array comes without any file. What coding with loss leaves behind is measured on luma:

* Coefficients of 8×8 blocks (DCT) of a decoded JPEG gather at multiples of the steps they were quantised with. The
  quality whose steps explain them best is found by likelihood (after Fan & de Queiroz, "Identification of bitmap
  compression history", IEEE Trans. Image Processing 12, 2003), wherever the grid of blocks begins.
* Where blocks meet there is more change than inside them: blockiness.
* Noise, from the quietest parts.

A fixed number of samples is looked at, spread over the picture: the time does not grow with its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image.coding import luma_steps
from subpixel.types import Chroma, Coding, Picture, Pixels

_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_SAMPLES: Final = 300_000  # pixels looked at
_BAND: Final = 64  # rows that are looked at together, a multiple of 8
_BLOCKS: Final = 400  # blocks whose coefficients are looked at
_FREQUENCIES: Final = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2), (0, 3), (3, 0), (3, 1), (1, 3))
_TURNED: Final = [_FREQUENCIES.index((column, row)) for row, column in _FREQUENCIES]
_QUALITIES: Final = (*range(5, 50, 5), *range(50, 97, 2))
_NEAR: Final = 3  # qualities are told from pixels in steps of 2, and those of a coarser one in steps of 5
_ROUNDING: Final = 0.45  # spread of a coefficient about its multiple, from rounding to 8 bits in RGB
_LEAST_EVIDENCE: Final = 30.0  # log likelihood ratio of all coefficients together, and
_LEAST_MEAN: Final = 0.15  # of each on average: no clean picture of the benchmark sets comes near both
_VALUES: Final = 8  # different multiples that a picture has at least: an even gradient has one and the same everywhere
_SHOWN: Final = 0.05  # relative excess from which on lines between blocks are seen
_TELLING: Final = 20_000  # pixels whose colours are counted
_PALETTE, _GREYS = 256, 32  # colours that such a picture has at most
_QUIETEST: Final = 0.02  # share of blocks that are taken to hold nothing but noise
_LEAST_WHOLE: Final = 0.05  # share of blocks without black or white that noise is judged by
_EDGE: Final = 24.0  # levels of third difference from which on it is the picture's own edge


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a picture counts as squeezed: where restoring and clean networks do equally well.

    Measured on 20 photographs (`benchmarks/limits.py`): crisp and crisp-restore are equal at JPEG 88 and WebP 76 at ×2,
    JPEG 89 and WebP 79 at ×3, JPEG 92 and WebP 84 at ×4; swift and swift-restore at JPEG 82, 86 and 87 and WebP 52, 69
    and 76. At ×2 PSNR of crisp-restore is 1.0 dB ahead at JPEG 70, 0.2 dB behind at 90.

    Attributes:
        quality: of JPEG, or of the JPEG that the picture was: up to this.
        webp: of WebP: up to this.
        blockiness: relative excess of change across the lines between blocks: from this on.
        noise: standard deviation of luma in levels of 255, of pictures of `small` pixels and more: from this on. Clean
            photographs of 481×321 reach 4.5 (one of 100: 7.7), larger ones 1.9.
        noise_small: the same of smaller ones, which hold grass and hair in every block: clean ones reach 7.7
            (one of 357: 10.8).
        small: pixels.
    """

    quality: int = 87
    webp: int = 76
    blockiness: float = 0.65
    noise: float = 5.2
    noise_small: float = 8.0
    small: int = 100_000

    def least_noise(self, pixels: int) -> float:
        """From what noise on a picture of so many pixels counts as squeezed."""
        return self.noise if pixels >= self.small else self.noise_small


@dataclass(frozen=True, slots=True)
class Compression:
    """What is known of a picture's compression.

    Attributes:
        quality: 1–100 as libjpeg or libwebp count; None where neither file nor pixels tell of such a coder.
        chroma: samples of colour beside those of luma; None where not known.
        blockiness: relative excess of change across the lines of an 8×8 grid, about 0 where there is none; None where
            the file said enough.
        noise: standard deviation in the quietest parts, levels of 255; None where the file said enough.
        squeezed: the verdict: networks trained on squeezed pictures will do better.
        reason: the verdict for people, ``"JPEG of quality 62, chroma halved"``.
    """

    quality: int | None
    chroma: Chroma | None
    blockiness: float | None
    noise: float | None
    squeezed: bool
    reason: str


def assess(picture: Picture, limits: Limits | None = None) -> Compression:
    """Judge a picture: by what its file said, and where that shows no loss, by the pixels of its first frame.

    Takes microseconds where the file says it was squeezed, else some 10 milliseconds whatever the picture's size.
    """
    limits = limits or Limits()
    coding = picture.coding
    if coding is not None and coding.quality <= (limits.webp if coding.name == "WebP" else limits.quality):
        return Compression(coding.quality, coding.chroma, None, None, True, _told(coding))
    luma = _bands(picture.pixels[0], alpha=picture.has_alpha)
    rows, columns = _grid(luma)
    blocky = min(rows.excess, columns.excess)
    noise = 0.0 if _few_colours(picture.pixels[0]) else _noise(luma)
    quality = _history(luma, 0, 0)
    own = (
        coding is not None and coding.name == "JPEG" and quality is not None and abs(quality - coding.quality) <= _NEAR
    )
    if quality is None or quality > limits.quality:
        # Cropped since, and perhaps coded finely again: the older blocks stand elsewhere.
        for top, left in _older(rows, columns):
            older = _history(luma, top, left, finely=quality)
            if older is not None and older <= limits.quality:
                quality, own = older, False
                break
    if own and coding is not None:
        quality = coding.quality  # what the pixels remember is this very coding
    squeezed, reason = True, ""
    if quality is not None and quality <= limits.quality:
        reason = f"was once a JPEG of quality {quality}"
    elif quality is None and blocky >= limits.blockiness:
        reason = "blocks of 8×8 pixels show"
    elif noise >= limits.least_noise(picture.size.pixels):
        reason = f"noise of {noise:.0f} levels"
    else:
        squeezed = False
    if coding is not None:
        reason = f"{_told(coding)}; {reason}" if reason else _told(coding)
        quality = quality if squeezed and quality is not None else coding.quality
    chroma = None if coding is None else coding.chroma
    return Compression(quality, chroma, blocky, noise, squeezed, reason or "no sign of compression")


def _told(coding: Coding) -> str:
    halved = {"4:2:0": ", chroma halved", "4:2:2": ", chroma halved", "4:4:0": ", chroma halved"}
    less = {"4:1:1": ", chroma quartered", "4:1:0": ", chroma quartered"}
    # WebP knows nothing else than halved.
    return f"{coding.name} of quality {coding.quality}" + (
        "" if coding.name == "WebP" or coding.chroma is None else {**halved, **less}.get(coding.chroma, "")
    )


def _bands(pixels: Pixels, *, alpha: bool) -> NDArray[np.float32]:
    """Luma in levels of 255 of bands of rows spread over a frame (H, W, C): (bands, rows, W).

    Bands begin at multiples of 8 rows, so that the grid of blocks stands alike in all.
    """
    height, width = pixels.shape[:2]
    width = min(width, _SAMPLES // 16)
    rows = min(_BAND, height)
    count = max(1, min(height // rows, _SAMPLES // (rows * width)))
    starts = np.linspace(0, (height - rows) // 8, count).astype(int) * 8
    taken = np.stack([pixels[start : start + rows, :width] for start in starts]).astype(np.float32)
    colour = taken[..., : pixels.shape[2] - int(alpha)]
    luma: NDArray[np.float32] = colour[..., 0] if colour.shape[3] < 3 else colour @ _LUMA
    return luma if pixels.dtype == np.uint8 else luma * np.float32(1 / 257)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where lines between blocks stand: first whole block's place, 0–7, and how much more change there is.

    Attributes:
        phase, excess: of the clearest lines.
        second, less: of the clearest that stand elsewhere than a file's own blocks, at 0.
    """

    phase: int
    excess: float
    second: int = 0
    less: float = 0.0


def _older(rows: _Lines, columns: _Lines) -> tuple[tuple[int, int], ...]:
    """Where else than at 0 an older grid may stand: what shows most, then what shows beside the file's own."""
    shown = []
    if min(rows.excess, columns.excess) > _SHOWN:
        shown.append((rows.phase, columns.phase))
    if min(rows.less, columns.less) > _SHOWN:
        shown.append((rows.second, columns.second))
    return tuple(dict.fromkeys(place for place in shown if place != (0, 0)))


def _grid(luma: NDArray[np.float32]) -> tuple[_Lines, _Lines]:
    """The grid's lines between rows and between columns."""
    return _lines(luma.swapaxes(1, 2)), _lines(luma)


def _lines(luma: NDArray[np.float32]) -> _Lines:
    """Lines across the last axis, of (bands, n, m): strong third differences, edges of the picture's own left out."""
    if luma.shape[2] < 32 or luma[..., 0].size < 16:
        return _Lines(0, 0.0)
    third = np.abs(luma[..., 3:] - luma[..., :-3] - 3 * (luma[..., 2:-1] - luma[..., 1:-2]))
    np.minimum(third, np.float32(_EDGE), out=third)
    profile = third.mean(axis=(0, 1))  # of index i: between samples i + 1 and i + 2
    means = np.array([profile[phase::8].mean() for phase in range(8)])
    most = int(np.argmax(means))
    usual = float(np.median(np.delete(means, most)))
    if usual <= 0.05:
        return _Lines((most + 2) % 8, 0.0)
    others = means.copy()
    others[6] = 0  # between samples 7 and 8
    second = int(np.argmax(others))
    return _Lines((most + 2) % 8, float(means[most]) / usual - 1, (second + 2) % 8, float(means[second]) / usual - 1)


def _few_colours(pixels: Pixels) -> bool:
    """Whether a frame (H, W, C) is text, a drawing or has a palette: what looks like noise there is meant so."""
    step = max(1, pixels.shape[0] * pixels.shape[1] // _TELLING)
    seen = pixels.reshape(-1, pixels.shape[2])[::step]
    packed = np.zeros(len(seen), np.uint64)
    for channel in range(pixels.shape[2]):
        packed = packed << np.uint64(16) | seen[:, channel].astype(np.uint64)
    most = _PALETTE if pixels.shape[2] >= 3 else _GREYS
    # A tenth of a photograph's samples has more colours already.
    return len(np.unique(packed[::10])) <= most and len(np.unique(packed)) <= most


def _noise(luma: NDArray[np.float32]) -> float:
    """Standard deviation of noise: of diagonal differences, in the quietest 8×8 blocks without clipped samples."""
    diagonal: NDArray[np.float32] = luma[:, :-1, :-1] - luma[:, 1:, :-1] - luma[:, :-1, 1:] + luma[:, 1:, 1:]
    diagonal *= np.float32(0.5)
    rows, columns = diagonal.shape[1] // 8, diagonal.shape[2] // 8
    if not rows or not columns:
        return 0.0

    def of_blocks(combine: np.ufunc, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of each 8×8 block; first down, where what is combined stands in a row."""
        inside = part[:, : 8 * rows, : 8 * columns].reshape(len(luma), rows, 8, 8 * columns)
        made: NDArray[np.float32] = combine.reduce(inside, axis=2).reshape(len(luma), rows, columns, 8)
        return np.asarray(combine.reduce(made, axis=3))

    whole = (of_blocks(np.minimum, luma) > 1) & (of_blocks(np.maximum, luma) < 254)
    if whole.sum() < _LEAST_WHOLE * whole.size:
        return 0.0
    return float(np.quantile(np.sqrt(of_blocks(np.add, np.square(diagonal)) / 64)[whole], _QUIETEST))


@cache
def _basis() -> NDArray[np.float32]:
    """What the frequencies looked at look like in a block, orthonormal: (frequencies, 64)."""
    frequency, sample = np.mgrid[:8, :8]
    waves = 0.5 * np.cos(np.pi * (2 * sample + 1) * frequency / 16)
    waves[0] *= 0.5**0.5
    return np.array([np.outer(waves[row], waves[column]).ravel() for row, column in _FREQUENCIES], np.float32)


@cache
def _steps() -> NDArray[np.float32]:
    """Steps of the frequencies looked at, for every quality: (qualities, frequencies, 1)."""
    tables = (luma_steps(quality) for quality in _QUALITIES)
    return np.array([[[table[at]] for at in _FREQUENCIES] for table in tables], np.float32)


def _history(luma: NDArray[np.float32], top: int, left: int, finely: int | None = None) -> int | None:
    """The quality of the JPEG that this was, with blocks from row `top` and column `left` on; None: it was none.

    Args:
        luma: (bands, rows, width).
        top, left: where the first block begins, 0–7.
        finely: quality at which it was coded again with other blocks, which leaves coefficients beside their multiples.
    """
    spread = _ROUNDING
    if finely is not None:
        table = luma_steps(finely)
        spread = float(np.hypot(spread, np.mean([table[at] for at in _FREQUENCIES]) / 12**0.5))
    rows, columns = (luma.shape[1] - top) // 8, (luma.shape[2] - left) // 8
    if rows < 1 or columns < 1:
        return None
    inside = luma[:, top : top + 8 * rows, left : left + 8 * columns]
    blocks = inside.reshape(len(luma), rows, 8, columns, 8).swapaxes(2, 3).reshape(-1, 8, 8)
    flat = _spread(blocks, 2 * _BLOCKS).reshape(-1, 64)
    least, most = flat.min(axis=1), flat.max(axis=1)
    whole = (most < 254.4) & (least > 0.6)  # where samples were clipped there are no multiples any more
    flat = _spread(flat[whole & (most - least > 3)], _BLOCKS)  # and blocks of one value have nothing but zeros
    if len(flat) < 4:
        return None
    found = _basis() @ (flat.T - np.float32(128))  # (frequencies, blocks)
    few, every = found[:, ::4], _steps()
    # Of a picture that was turned since, rows are columns.
    rough = [_evidence(few, steps, spread)[0] for steps in (*every, *every[:, _TURNED])]
    likely = [(index % len(every), index >= len(every)) for index in np.argsort(rough)[-4:]]
    tried = []
    for index, turned in likely:
        steps = every[index][_TURNED] if turned else every[index]
        tried.append((*_evidence(found, steps, spread), _QUALITIES[index], steps))
    evidence, count, quality, steps = max(tried, key=lambda one: one[0])
    if not _varied(found, steps):
        return None
    return quality if evidence >= _LEAST_EVIDENCE and evidence / count >= _LEAST_MEAN else None


def _varied(found: NDArray[np.float32], steps: NDArray[np.float32]) -> bool:
    """Whether the frequencies have several multiples of their steps, as a picture's have."""
    times = np.abs(np.rint(found / steps))
    return sum(len(np.unique(row[row > 0])) for row in times) >= _VALUES


def _spread(items: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """At most so many of the items, evenly spread."""
    return items if len(items) <= most else items[np.linspace(0, len(items) - 1, most).astype(int)]


def _evidence(found: NDArray[np.float32], steps: NDArray[np.float32], spread: float) -> tuple[float, int]:
    """Log likelihood ratio of "quantised with these steps" against "not", and of how many coefficients.

    Args:
        found: coefficients, (frequencies, blocks).
        steps: (frequencies, 1).
        spread: of a coefficient about its multiple.
    """
    times = np.rint(found / steps)
    telling = (times != 0) & (steps >= 2)  # a zero fits all steps
    every = np.broadcast_to(steps, found.shape)[telling]
    off = (found[telling] - every * times[telling]) / np.float32(spread)
    near = np.exp(np.float32(-0.5) * off * off) * np.float32(0.9 / (spread * (2 * np.pi) ** 0.5))
    return float(np.log(near * every + np.float32(0.1)).sum()), max(1, every.size)
