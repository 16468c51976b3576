"""Parts of pictures to look at: of the source, of the result, by bicubic, what was added, and enlarged at once.

Answers are PNG in sRGB with 8 bits, upright, transparent parts as they are.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import Final

import numpy as np

from subpixel import image
from subpixel.engines.processor import memory_limit
from subpixel.errors import SettingError
from subpixel.image import resample
from subpixel.image.alpha import premultiply, unpremultiply
from subpixel.image.compression import assess
from subpixel.image.profiles import is_srgb, rgb_to_srgb
from subpixel.measure.faithful import added
from subpixel.plan import Target
from subpixel.types import Metadata, Picture, Pixels, Planes, Size
from subpixel.web.messages import Box, Made, Preview, View
from subpixel.web.worker.enlarging import Enlarging, words
from subpixel.web.worker.films import frame_at, moment
from subpixel.web.worker.looking import kind_of

_KEPT_SHARE: Final = 3
"""Decoded pictures that stay in memory may take a third of what a worker may have, together."""
_EXACT: Final = 8_000_000
"""Pixels of a part that is computed whole by bicubic before it is reduced; of larger ones, only what is shown."""
_FALLBACK: Final = 1_800_000_000
_ROUGH: Final = 4
"""Pixels of a source for one that is shown from which half a pixel does not matter."""
_CONTEXT: Final = 64
"""Pixels around a preview that are enlarged with it, and cut away again: more than any default network sees."""
_MIDDLE: Final = 0.5
_PREVIEW_SIDE: Final = 512
"""Longest side of the part that is previewed where none was named, in result pixels."""


class Showing:
    """Answers what the page looks at, and keeps the last pictures decoded.

    Args:
        enlarging: for previews.
        memory: bytes that this process may have, 0: what there is.
    """

    def __init__(self, enlarging: Enlarging, memory: int) -> None:
        self._enlarging = enlarging
        self._room = (memory or memory_limit() or _FALLBACK) // _KEPT_SHARE
        self._kept: OrderedDict[tuple[str, int, float], Picture] = OrderedDict()

    def _decoded(self, path: str, pixels: int, *, film: bool, seconds: float | None) -> Picture:
        """The first frame of a file, or a frame of a video."""
        key = (path, Path(path).stat().st_mtime_ns, -1.0 if seconds is None else seconds)
        if key not in self._kept:
            if film:
                picture = frame_at(Path(path), moment(Path(path), _MIDDLE) if seconds is None else seconds)
            else:
                read = image.read(path, pixel_limit=pixels)
                picture = read.with_pixels(read.pixels[:1])
            self._kept[key] = picture
            while len(self._kept) > 1 and sum(one.pixels.nbytes for one in self._kept.values()) > self._room:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def view(self, task: View) -> Made:
        """A part of what a job has, see `View`.

        Raises:
            PictureError: a file cannot be read.
            SettingError: a part that lies outside.
        """
        started = time.perf_counter()
        film = task.kind == "video"
        bounds, seconds = task.bounds, task.seconds
        if film and seconds is None:
            seconds = moment(Path(task.source), _MIDDLE if task.at is None else task.at)

        def opened(path: str, pixels: int) -> Picture:
            return self._decoded(path, pixels, film=film, seconds=seconds)

        if task.of == "source":
            whole = opened(task.source, bounds.pixels)
            box = _inside(task.box, whole.size)
            made = _srgb(_reduced(_cut(whole, box), _shown(box, task)))
        else:
            whole = opened(task.result, bounds.result_pixels)
            box = _inside(task.box, whole.size)
            shown = _shown(box, task)
            if task.of != "bicubic":
                made = _srgb(_reduced(_cut(whole, box), shown))
            if task.of != "result":
                plain = _srgb(_bicubic(opened(task.source, bounds.pixels), whole.size, box, shown))
                made = plain if task.of == "bicubic" else _difference(made, plain)
        image.write(made, task.output, format="png", overwrite=True)
        spent = time.perf_counter() - started
        return Made(width=made.size.width, height=made.size.height, models=(), seconds=spent, words=task.of)

    def preview(self, task: Preview) -> Made:
        """A part of a source, enlarged as the whole would be.

        Raises:
            SubpixelError: the source cannot be read, or the settings do not fit it.
        """
        kind = task.kind or kind_of(Path(task.source))
        whole = self._decoded(task.source, task.bounds.pixels, film=kind == "video", seconds=task.seconds)
        started = time.perf_counter()
        target = task.settings.target
        after = target.size_for(whole.size)
        factor = after.width / whole.size.width
        box = _inside(task.box, whole.size) if task.box is not None else _middle(whole.size, factor)
        if max(box.width, box.height) * factor > task.most:
            raise SettingError(
                f"the part of {box.width}×{box.height} would become larger than {task.most} pixels",
                f"give a part of at most {int(task.most / factor)} pixels a side",
            )
        around = _around(box, whole.size, factor)
        restore = None if task.settings.restoring is not None or task.settings.model else assess(whole).squeezed
        upscaler = self._enlarging.upscaler(task.settings, restore)
        part = _cut(whole, around)
        enlarged = upscaler.picture(part, Target(factor), progress=self._enlarging.told)
        left, top = round((box.x - around.x) * factor), round((box.y - around.y) * factor)
        wide, high = max(1, round(box.width * factor)), max(1, round(box.height * factor))
        inner = enlarged.picture.with_pixels(enlarged.picture.pixels[:, top : top + high, left : left + wide].copy())
        made = _srgb(inner)
        image.write(made, task.output, format="png", overwrite=True)
        spent = time.perf_counter() - started
        models = tuple(step.model.name for step in enlarged.plan.passes)
        said = words(part.size, enlarged.size, models, spent, enlarged.chosen, enlarged.precision)
        size = made.size
        return Made(width=size.width, height=size.height, models=models, scale=factor, seconds=spent, words=said)


def _inside(box: Box | None, size: Size) -> Box:
    """The part that was asked for, cut to the picture.

    Raises:
        SettingError: it lies outside.
    """
    if box is None:
        return Box(x=0, y=0, width=size.width, height=size.height)
    if box.x >= size.width or box.y >= size.height:
        raise SettingError(f"the part begins at {box.x},{box.y}, the picture is {size}", "give x and y within it")
    return Box(x=box.x, y=box.y, width=min(box.width, size.width - box.x), height=min(box.height, size.height - box.y))


def _middle(size: Size, factor: float) -> Box:
    side = max(1, int(_PREVIEW_SIDE / factor))
    width, height = min(side, size.width), min(side, size.height)
    return Box(x=(size.width - width) // 2, y=(size.height - height) // 2, width=width, height=height)


def _around(box: Box, size: Size, factor: float) -> Box:
    """A part with its context. It begins where result pixels begin, so that they fall as in the whole."""
    step = next((step for step in range(1, 11) if abs(step * factor - round(step * factor)) < 1e-6), 10)
    x, y = (max(0, at - _CONTEXT) // step * step for at in (box.x, box.y))
    right, bottom = min(box.x + box.width + _CONTEXT, size.width), min(box.y + box.height + _CONTEXT, size.height)
    return Box(x=x, y=y, width=right - x, height=bottom - y)


def _cut(picture: Picture, box: Box) -> Picture:
    inside = picture.pixels[:, box.y : box.y + box.height, box.x : box.x + box.width]
    pixels: Pixels = np.ascontiguousarray(inside)  # type: ignore[assignment]
    return picture.with_pixels(pixels)


def _srgb(picture: Picture) -> Picture:
    """8 bits, in sRGB, nothing but pixels."""
    pixels, icc = picture.pixels, picture.metadata.icc
    if icc is not None and not is_srgb(icc) and picture.channels >= 3:
        converted = rgb_to_srgb(pixels, icc)
        pixels = pixels if converted is None else converted
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    return Picture(pixels, Metadata())


def _planes(picture: Picture) -> Planes:
    """(C, H, W) in 0–1, colour weighted by alpha."""
    top = np.float32(np.iinfo(picture.pixels.dtype).max)
    planes: Planes = np.ascontiguousarray(np.moveaxis(picture.pixels[0], 2, 0), dtype=np.float32) / top
    if picture.has_alpha:
        planes[:-1] = premultiply(planes[:-1], planes[-1])
    return planes


def _like(planes: Planes, picture: Picture) -> Picture:
    """The way back from `_planes`."""
    if picture.has_alpha:
        planes[:-1] = unpremultiply(planes[:-1], planes[-1])
    top = np.iinfo(picture.pixels.dtype).max
    scaled = np.moveaxis(np.rint(np.clip(planes, 0, 1) * np.float32(top)), 0, 2)[None]
    pixels: Pixels = np.ascontiguousarray(scaled.astype(picture.pixels.dtype))
    return picture.with_pixels(pixels)


def _bicubic(source: Picture, after: Size, box: Box, shown: Size) -> Picture:
    """What bicubic gives at that place of the result, reduced to the size that is shown.

    Of a large part that is shown small, only the pixels shown are computed, straight from the source.
    """
    across, down = source.size.width / after.width, source.size.height / after.height
    straight = shown.width * shown.height < box.width * box.height and (
        box.width * across >= shown.width or box.width * box.height > _EXACT
    )
    size = shown if straight else Size(box.width, box.height)
    column, row = across * box.width / size.width, down * box.height / size.height
    if min(column, row) >= _ROUGH:  # by rows, as floats of all of it may be more than there is room for
        x, y = round(box.x * across), round(box.y * down)
        wide, high = max(1, round(box.width * across)), max(1, round(box.height * down))
        return _reduced(_cut(source, _inside(Box(x=x, y=y, width=wide, height=high), source.size)), shown)
    reach = int(4 * max(column, row, 1.0)) + 4
    left, top = max(0, int(box.x * across) - reach), max(0, int(box.y * down) - reach)
    right = min(source.size.width, int((box.x + box.width) * across) + reach)
    bottom = min(source.size.height, int((box.y + box.height) * down) + reach)
    part = _cut(source, Box(x=left, y=top, width=right - left, height=bottom - top))
    rows, columns = (row, box.y * down - top), (column, box.x * across - left)
    made = _like(resample.resize_on(_planes(part), size.height, size.width, rows, columns), source)
    return _reduced(made, shown)


def _difference(result: Picture, plain: Picture) -> Picture:
    """What the networks added, four times, on grey."""
    large, other = (one.pixels[0][..., : one.channels - int(one.has_alpha)] for one in (result, plain))
    if large.shape[2] != other.shape[2]:
        large, other = (one if one.shape[2] == 3 else one.repeat(3, axis=2) for one in (large, other))
    return Picture(added(large.astype(np.uint8), other.astype(np.uint8))[None])


def _shown(box: Box, task: View) -> Size:
    """How large a part is shown: no wider than asked for, no side longer than `View.most`; never enlarged."""
    share = min(1.0, (task.width or box.width) / box.width, task.most / max(box.width, box.height))
    return Size(max(1, round(box.width * share)), max(1, round(box.height * share)))


def _reduced(picture: Picture, shown: Size) -> Picture:
    """The same in that size."""
    size, wide, high = picture.size, shown.width, shown.height
    if size == shown:
        return picture
    made = np.empty((picture.channels, high, wide), np.float32)
    for block in resample.row_blocks(size.height, high):  # as floats, the whole may be more than there is room for
        start, stop, first, last = block
        rows = Box(x=0, y=first, width=size.width, height=last - first)
        made[:, start:stop] = resample.resize_rows(_planes(_cut(picture, rows)), block, size.height, high, wide)
    return _like(made, picture)
