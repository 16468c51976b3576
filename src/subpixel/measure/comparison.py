"""One picture by every method: what `subpixel compare` shows.

Everything is done on an area round the crop, not on the crop alone, so that every method sees real surroundings;
the area is the whole picture unless that would take long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel import zoo
from subpixel.errors import PictureUnsupported, SettingError
from subpixel.image import resample
from subpixel.image.alpha import premultiply, unpremultiply
from subpixel.measure.faithful import Returned, added, returned
from subpixel.measure.methods import BICUBIC, NEAREST
from subpixel.measure.quality import luma, psnr
from subpixel.plan import Target
from subpixel.types import Picture, PrecisionChoice, Size

AREA_LIMIT: Final = 16_000_000
"""Largest result in pixels that every method is asked for; the area is cut down to this round the crop."""
DEFAULT_CROP: Final = 336
"""Side of the crop in result pixels where none is given."""
_BAND: Final = 256  # rows that are searched for structure at a time
_REACH: Final = 3  # rows beyond a band that its structure depends on
_CHEQUER: Final = 8  # side of the squares under transparent parts


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the small picture."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height} at {self.x},{self.y}"


@dataclass(frozen=True, slots=True)
class Shown:
    """One method's result.

    Attributes:
        name: of the model, or ``"bicubic"``, ``"nearest"``, ``"reference"``.
        crop: the crop enlarged, (H, W, 3).
        seconds: wall time for the area; None for the reference.
        psnr: on Y against the reference, over the area, in dB; None without reference.
        returned: how far it is from the picture when it is reduced again, over the area; None where it is no result.
        of: for the map of what a result added to bicubic: that result's name; empty otherwise.
    """

    name: str
    crop: NDArray[np.uint8]
    seconds: float | None
    psnr: float | None
    returned: Returned | None = None
    of: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One picture by every method.

    Attributes:
        before: size of the picture.
        after: size of the result.
        scale: factor.
        crop: what is shown, in the small picture.
        area: what the times and scores are for, in the small picture.
        whole: the small picture, (H, W, 3).
        shown: the results in order.
        engine: what ran the models: engine, arithmetic, threads.
    """

    before: Size
    after: Size
    scale: float
    crop: Box
    area: Box
    whole: NDArray[np.uint8]
    shown: tuple[Shown, ...]
    engine: str


def parse_box(text: str) -> Box:
    """A box written as ``x,y,width,height``.

    Raises:
        SettingError: not four whole numbers.
    """
    parts = text.replace(" ", "").split(",")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise SettingError(f"the crop is {text!r}", "give four whole numbers x,y,width,height, as --crop 40,30,100,80")
    return Box(*map(int, parts))


def compare(
    picture: Picture,
    scale: float,
    *,
    crop: Box | None = None,
    models: Sequence[str] = (),
    reference: NDArray[np.uint8] | None = None,
    maps: bool = False,
    precision: PrecisionChoice = "auto",
    threads: int | None = None,
    notify: Callable[[str], None] | None = None,
) -> Comparison:
    """Enlarge one picture by nearest, bicubic and every model that fits.

    Args:
        picture: the small picture; of an animation the first frame is taken.
        scale: factor, above 1 and up to 16, whole or not.
        crop: what to show; None: the part with the most detail.
        models: names of models or families, or paths; empty: of every family the one that fits.
        reference: (H, W, 1 or 3), what the result should be; adds PSNR, and itself as the last one shown.
        maps: after each model's result, show what it added to bicubic.
        precision: arithmetic of the models.
        threads: tiles computed side by side; None for every core.
        notify: called with the name of each method before it runs.

    Raises:
        SettingError: a factor or crop that cannot be right.
        PictureUnsupported: the reference has another size than the result.
        ModelError, EngineError: a model that cannot be used.
    """
    from subpixel.upscaler import Upscaler  # here, so that measuring arrays loads no libvips

    if not 1 < scale <= 16:
        raise SettingError(f"scale is {scale:g}", "give a factor above 1 and up to 16, as --scale 3")
    target = Target(scale=scale)
    still = picture.with_pixels(picture.pixels[:1])
    whole = flatten(still)
    before, after = picture.size, target.size_for(picture.size)
    factors = after.width / before.width, after.height / before.height
    box = busiest(whole, _default_size(before, scale)) if crop is None else _checked(crop, before)
    area = _area(box, before, scale)
    part = _part(still, area)
    size = target.size_for(part.size)
    even = flatten(part, chequered=False)  # squares of one size in small and large would differ
    truth = None
    if reference is not None:
        truth = _reference_area(reference, area, after, size, factors)
        if picture.has_alpha and samples(still)[..., -1].min() < 255:
            raise PictureUnsupported("a picture with transparent parts cannot be scored", "leave --reference out")

    def cut(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        left, top = round((box.x - area.x) * factors[0]), round((box.y - area.y) * factors[1])
        wide, high = max(1, round(box.width * factors[0])), max(1, round(box.height * factors[1]))
        return np.ascontiguousarray(pixels[top : top + high, left : left + wide])

    def show(name: str, enlarge: Callable[[], Picture]) -> Shown:
        if notify is not None:
            notify(name)
        start = perf_counter()
        result = enlarge()
        seconds = perf_counter() - start
        opaque = samples(result)[..., : result.channels - int(result.has_alpha)]
        score = None if truth is None else psnr(truth, opaque, border=_border(scale, size))
        return Shown(name, cut(flatten(result)), seconds, score, returned(flatten(result, chequered=False), even))

    shown = [show(NEAREST, lambda: _nearest(part, size)), show(BICUBIC, lambda: _bicubic(part, size))]
    engine = ""
    for asked in models or fitting_models(scale):
        with Upscaler(asked, precision=precision, threads=threads) as upscaler:
            engine = f"{upscaler.engine} {upscaler.precision_for(picture.bits)}, {_threads(upscaler.threads)}"
            plan = upscaler.plan(part.size, target)
            name = ", ".join([step.model.name for step in plan.passes] + ["resampled"] * plan.resample)
            tiny = _part(part, Box(0, 0, min(16, area.width), min(16, area.height)))
            upscaler.picture(tiny, target)  # loads the networks before the clock starts
            made = show(name, lambda run=upscaler: run.picture(part, target).picture)  # type: ignore[misc]
            shown.append(made)
            if maps:
                shown.append(Shown("what it added to bicubic", added(made.crop, shown[1].crop), None, None, of=name))
    if truth is not None:
        shown.append(Shown("reference", cut(_as_rgb(truth)), None, None))
    return Comparison(before, after, scale, box, area, whole, tuple(shown), engine)


def fitting_models(scale: float) -> tuple[str, ...]:
    """Of every family the model of that factor, or the family's name where several passes make it; sorted."""
    cards = [zoo.card(name) for name in zoo.model_names()]
    chosen: dict[str, str] = {}
    for card in cards:
        if card.family != BICUBIC and (scale in card.scales or card.family not in chosen):
            chosen[card.family] = card.name if scale in card.scales else card.family
    return tuple(chosen[family] for family in sorted(chosen))


def samples(picture: Picture) -> NDArray[np.uint8]:
    """First frame with 8 bits, (H, W, channels)."""
    pixels = picture.pixels[0]
    rounded: NDArray[np.uint8] = (pixels if picture.bits == 8 else np.rint(pixels / 257.0)).astype(np.uint8)
    return rounded


def flatten(picture: Picture, *, chequered: bool = True) -> NDArray[np.uint8]:
    """First frame as 8-bit RGB, (H, W, 3); transparent parts over a light ground, chequered or even."""
    values = samples(picture)
    colour = _as_rgb(values[..., : picture.channels - int(picture.has_alpha)])
    if not picture.has_alpha:
        return colour
    rows, columns = np.indices(values.shape[:2])
    dark = ((rows // _CHEQUER + columns // _CHEQUER) % 2 > 0) | (not chequered)
    ground = np.where(dark, 214, 236)[..., None]
    alpha = values[..., -1:] / 255.0
    blended: NDArray[np.uint8] = np.rint(colour * alpha + ground * (1 - alpha)).astype(np.uint8)
    return blended


def busiest(picture: NDArray[np.uint8], size: Size) -> Box:
    """The part of that size with the most fine structure: lines, edges and text rather than noise.

    Every pixel weighs by how strong its gradients are and how well they agree in direction within a small
    neighbourhood (the structure tensor's coherence); the part with the largest sum is taken.

    Args:
        picture: (H, W, 3).
        size: of the part, at most the picture's.
    """
    weight = np.concatenate([_structure(picture, top) for top in range(0, picture.shape[0], _BAND)])
    total = np.pad(weight, ((1, 0), (1, 0))).cumsum(0, dtype=np.float64).cumsum(1)
    high, wide = size.height, size.width
    sums = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
    y, x = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return Box(int(x), int(y), wide, high)


def _structure(picture: NDArray[np.uint8], top: int) -> NDArray[np.float32]:
    """Weights of the rows from `top` to `top + _BAND`: band by band, large pictures take little memory."""
    first, last = max(top - _REACH, 0), min(top + _BAND + _REACH, picture.shape[0])
    bright = luma(picture[first:last])
    down, right = np.diff(bright, axis=0, append=bright[-1:]), np.diff(bright, axis=1, append=bright[:, -1:])
    xx, yy, xy = (_smooth(product) for product in (right * right, down * down, right * down))
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 25.0)
    weight: NDArray[np.float32] = (coherence * np.sqrt(xx + yy)).astype(np.float32)
    return weight[top - first : top - first + _BAND]


def _smooth(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over 5×5 pixels."""
    for axis in (0, 1):
        padded = np.pad(plane, [(2, 2) if axis == a else (0, 0) for a in (0, 1)], mode="edge")
        plane = np.mean([np.take(padded, np.arange(k, k + plane.shape[axis]), axis) for k in range(5)], axis=0)
    return plane


def _part(picture: Picture, area: Box) -> Picture:
    """A part of a picture."""
    inside = picture.pixels[:, area.y : area.y + area.height, area.x : area.x + area.width]
    return picture.with_pixels(inside.copy())


def _nearest(part: Picture, size: Size) -> Picture:
    """The nearest pixel, for any size."""
    rows = ((np.arange(size.height) + 0.5) * part.size.height / size.height).astype(int)
    columns = ((np.arange(size.width) + 0.5) * part.size.width / size.width).astype(int)
    return part.with_pixels(part.pixels[:, rows[:, None], columns])


def _bicubic(part: Picture, size: Size) -> Picture:
    """Bicubic, a = −0.5; colour is weighted by alpha where there is one."""
    pixels = part.pixels[0]
    top = float(np.iinfo(pixels.dtype).max)
    planes = np.ascontiguousarray(np.moveaxis(pixels, 2, 0), dtype=np.float32) / np.float32(top)
    if part.has_alpha:
        planes[:-1] = premultiply(planes[:-1], planes[-1])
    large = resample.resize(planes, size.height, size.width)
    if part.has_alpha:
        large[:-1] = unpremultiply(large[:-1], large[-1])
    scaled = np.moveaxis(np.rint(np.clip(large, 0, 1) * np.float32(top)), 0, 2)[None]
    if part.bits == 8:
        return part.with_pixels(scaled.astype(np.uint8, order="C"))
    return part.with_pixels(scaled.astype(np.uint16, order="C"))


def _as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2)


def _default_size(size: Size, scale: float) -> Size:
    side = max(1, round(DEFAULT_CROP / scale))
    return Size(min(side, size.width), min(side, size.height))


def _checked(crop: Box, size: Size) -> Box:
    """A crop that lies inside the picture."""
    inside = crop.x >= 0 and crop.y >= 0 and crop.x + crop.width <= size.width and crop.y + crop.height <= size.height
    if not inside or min(crop.width, crop.height) < 1:
        raise SettingError(
            f"the crop {crop} does not lie inside the picture of {size}", "give x,y,width,height in its pixels"
        )
    return crop


def _area(crop: Box, size: Size, scale: float) -> Box:
    """The crop with as much round it as the limit allows: the whole picture if it can be."""
    if size.pixels * scale * scale <= AREA_LIMIT:
        return Box(0, 0, size.width, size.height)
    side = int(AREA_LIMIT**0.5 / scale)
    wide, high = min(max(crop.width, side), size.width), min(max(crop.height, side), size.height)
    x = min(max(crop.x + (crop.width - wide) // 2, 0), size.width - wide)
    y = min(max(crop.y + (crop.height - high) // 2, 0), size.height - high)
    return Box(x, y, wide, high)


def _reference_area(
    reference: NDArray[np.uint8], area: Box, after: Size, size: Size, factors: tuple[float, float]
) -> NDArray[np.uint8]:
    """The part of the reference that belongs to the area; the reference may be larger by less than the factor."""
    over = (reference.shape[0] - after.height, reference.shape[1] - after.width)
    if any(not 0 <= extra < max(factor, 1.0) for extra, factor in zip(over, factors[::-1], strict=True)):
        raise PictureUnsupported(
            f"the reference is {reference.shape[1]}×{reference.shape[0]}, the result {after}",
            "give the large picture that the small one was made from, and its factor as --scale",
        )
    top, left = round(area.y * factors[1]), round(area.x * factors[0])
    return reference[top : top + size.height, left : left + size.width]


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _border(scale: float, size: Size) -> int:
    """Pixels cut before scoring: the factor, less for tiny pictures."""
    return min(int(np.ceil(scale)), (min(size.width, size.height) - 1) // 2)
