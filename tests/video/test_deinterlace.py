"""Two moments in one frame become one moment, and nothing else about the film changes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
import pytest

from subpixel.video.deinterlace import Deinterlacer

WIDTH, HEIGHT = 96, 64


def moment(at: float) -> np.ndarray:
    """A bright bar that moves to the right, four pixels in each moment."""
    columns = np.arange(WIDTH) - 8 - 4 * at
    row = np.where((columns >= 0) & (columns < 16), 220, 40).astype(np.uint8)
    return np.broadcast_to(row, (HEIGHT, WIDTH)).copy()


def woven(index: int, *, odd_first: bool = False) -> np.ndarray:
    """Half the rows of one moment, the others of the next."""
    luma = moment(2 * index)
    luma[0 if odd_first else 1 :: 2] = moment(2 * index + 1)[0]
    return luma


def decoded(lumas: Iterable[np.ndarray], times: list[int], *, interlaced: bool) -> list[av.VideoFrame]:
    """Through an encoder that marks frames as interlaced or not."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"crf": "1", "x264-params": "bff=1" if interlaced else "bframes=0"}
        for luma, pts in zip(lumas, times, strict=True):
            whole = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            whole[:HEIGHT] = luma
            frame = av.VideoFrame.from_ndarray(whole, "yuv420p")
            frame.pts, frame.time_base = pts, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return list(container.decode(video=0))


def passed(frames: list[av.VideoFrame], every: bool = False) -> list[av.VideoFrame]:
    deinterlacer = Deinterlacer(every)
    return [made for frame in frames for made in deinterlacer.put(frame)] + deinterlacer.flush()


def luma(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray()[:HEIGHT].astype(float)


TIMES = [0, 40, 95, 120, 170, 200, 240, 300]


def test_each_frame_becomes_one_moment() -> None:
    # Frames that do not say which rows come first are marked by the encoder as odd rows first.
    frames = decoded([woven(index, odd_first=True) for index in range(8)], TIMES, interlaced=True)
    assert all(frame.interlaced_frame for frame in frames)
    combed = [luma(frame) for frame in frames]
    made = passed(frames)
    assert [frame.pts for frame in made] == TIMES, "timestamps of variable rate stay"
    for index, (frame, before) in enumerate(zip(made, combed, strict=True)):
        apart = np.abs(luma(frame) - moment(2 * index)).mean()
        assert apart < 0.3 * np.abs(before - moment(2 * index)).mean()


def test_frames_that_are_whole_pass_as_they_are() -> None:
    frames = decoded([moment(index) for index in range(8)], TIMES, interlaced=False)
    before = [frame.to_ndarray() for frame in frames]
    made = passed(frames)
    assert [frame.pts for frame in made] == TIMES
    assert all(np.array_equal(one.to_ndarray(), other) for one, other in zip(made, before, strict=True))


def test_unmarked_frames_when_asked() -> None:
    frames = decoded([woven(index) for index in range(8)], TIMES, interlaced=False)
    combed = [luma(frame) for frame in frames]
    made = passed(frames, every=True)
    assert len(made) == 8
    for index in range(1, 7):
        apart = np.abs(luma(made[index]) - moment(2 * index)).mean()
        assert apart < 0.3 * np.abs(combed[index] - moment(2 * index)).mean()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_frames(count: int) -> None:
    frames = decoded([woven(index) for index in range(count)], TIMES[:count], interlaced=True) if count else []
    assert [frame.pts for frame in passed(frames)] == TIMES[:count]


def test_another_size_midway() -> None:
    frames = decoded([woven(index) for index in range(3)], TIMES[:3], interlaced=True)
    smaller = [frame.reformat(48, 32) for frame in decoded([woven(0)], [900], interlaced=True)]
    for frame in smaller:
        frame.pts = 900
    made = passed([*frames, *smaller])
    assert [frame.pts for frame in made] == [*TIMES[:3], 900]
    assert (made[-1].width, made[-1].height) == (48, 32)


def test_a_film_that_is_interlaced_later_only() -> None:
    """Whole frames pass without a filter; wherever the way through begins, frames come out the same."""
    whole = decoded([moment(2 * index) for index in range(4)], TIMES[:4], interlaced=False)
    fields = decoded([woven(index) for index in range(4, 8)], TIMES[4:], interlaced=True)

    def through(begin: int) -> dict[int, bytes]:
        frames = [*whole, *fields][begin:]
        for frame, pts in zip(frames, TIMES[begin:], strict=True):
            frame.pts = pts
        return {made.pts or 0: made.to_ndarray().tobytes() for made in passed(frames)}

    everything = through(0)
    assert list(everything) == TIMES
    for begin in (1, 3, 5):
        some = through(begin)
        assert list(some) == TIMES[begin:]
        assert all(some[pts] == everything[pts] for pts in TIMES[begin + 1 :])
