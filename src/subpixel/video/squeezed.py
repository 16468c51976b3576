"""Was this film squeezed, and how strongly? Told by the steps that its coder rounded with.

Clips of photographs that move, reduced, coded, and enlarged by crisp and crisp-restore (`benchmarks/film_limits.py`):
both are equal at QP 25 to 28 of H.264 at ×2 and at 31 at ×4, by what is shown; at CRF 18 the clean ones are ahead by
more than a decibel, at CRF 32 the restoring ones by 0.2 to 0.4. They learnt from JPEG and WebP, so there is less to
gain than for pictures, and what is not known counts as not squeezed: FFmpeg's decoders of HEVC, AV1 and VP8 do not
tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from subpixel.video.clips import Clip, film_of, opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

_PLACES: Final = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))
"""Where in a film it is looked at: titles are mostly before, and easier to code."""
_FRAMES: Final = 8  # looked at in each place
_PACKETS: Final = 60  # looked through for them
_HEAD: Final = struct.Struct("@IQQii")  # AVVideoEncParams: blocks, where they begin, bytes of one, kind, quantiser
_DELTA: Final = 4  # AVVideoBlockParams: where, in numbers of 32 bits, the difference of a block's quantiser stands


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a family of codecs counts.

    Attributes:
        title: what the number is called.
        limit: from there on restoring networks do better.
        unit: the decoder's count of one.
    """

    title: str
    limit: float
    unit: float = 1.0


_KINDS: Final = {0: _Kind("quantiser index", 185), 1: _Kind("QP", 30), 2: _Kind("quantiser", 8.5, 2.0)}
"""By AVVideoEncParamsType: VP9 (0–255), H.264 (0–51); MPEG-1, MPEG-2, MPEG-4, H.263 (1–31)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a film's compression.

    Attributes:
        quantiser: mean over the frames looked at, as its codec counts; None where the decoder does not tell.
        squeezed: networks trained on squeezed pictures will do better.
        reason: for people: ``"h264 at QP 34.2"``.
    """

    quantiser: float | None
    squeezed: bool
    reason: str


def judge(clip: Clip) -> Verdict:
    """Look at some frames of a film, the same whatever part of it is wanted."""
    found = list(_quantisers(clip))
    if not found:
        return Verdict(None, False, f"how strongly {clip.codec} is squeezed is not known")
    kind = _KINDS[found[0][0]]
    mean = float(np.mean([value for _, value in found])) / kind.unit
    return Verdict(mean, mean >= kind.limit, f"{clip.codec} at {kind.title} {mean:.1f}")


def _quantisers(clip: Clip) -> Iterator[tuple[int, float]]:
    import av

    with opened(clip.path) as container:
        film = film_of(container, clip.path)
        film.codec_context.options = {"export_side_data": "venc_params"}
        places = [] if clip.duration is None else [round(part * clip.duration / clip.time_base) for part in _PLACES]
        start = round(clip.origin / clip.time_base)
        for place in places or [0]:
            try:
                if place:
                    container.seek(start + place, stream=film, backward=True)
                frames = islice(_frames(container, clip.index), _FRAMES)
                yield from (one for frame in frames for one in _of(frame))
            except av.FFmpegError:
                continue


def _frames(container: InputContainer, index: int) -> Iterator[VideoFrame]:
    import av

    film: Any = container.streams[index]
    for packet in islice(container.demux(film), _PACKETS):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def _of(frame: VideoFrame) -> Iterator[tuple[int, float]]:
    """Kind and mean of a frame's quantisers, if it tells."""
    sides: Any = frame.side_data
    for side in sides:
        if side.type.name == "VIDEO_ENC_PARAMS":
            data = bytes(side)
            count, begin, size, kind, base = _HEAD.unpack_from(data)
            if kind not in _KINDS:
                return
            mean = float(base)
            if count:
                blocks = np.frombuffer(data, np.int32, count * size // 4, begin).reshape(count, size // 4)
                mean += float(blocks[:, _DELTA].mean())
            if kind == 1:
                mean -= 6 * (frame.format.components[0].bits - 8)  # finer samples are rounded in finer steps
            yield kind, mean
