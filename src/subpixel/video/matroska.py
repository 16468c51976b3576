"""The shape of samples in Matroska and WebM, written into the file after it is made.

PyAV does not hand it to FFmpeg's muxer. H.264 and HEVC say it in their own headers, other codecs do not, and their
film would be shown too narrow or too wide. The muxer leaves some room in front of the description of the tracks (an
element ``Void``): the description grows into it, and nothing behind it moves.

Elements: https://www.matroska.org/technical/elements.html, coding: RFC 8794.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from subpixel.types import Size

_SEGMENT: Final = 0x18538067
_SEEK_HEAD: Final = 0x114D9B74
_SEEK: Final = 0x4DBB
_SEEK_ID: Final = 0x53AB
_SEEK_POSITION: Final = 0x53AC
_VOID: Final = 0xEC
_INFO: Final = 0x1549A966
_TRACKS: Final = 0x1654AE6B
_TRACK: Final = 0xAE
_VIDEO: Final = 0xE0
_PIXEL_WIDTH: Final = 0xB0
_PIXEL_HEIGHT: Final = 0xBA
_DISPLAY_WIDTH: Final = 0x54B0
_DISPLAY_HEIGHT: Final = 0x54BA
_DISPLAY_UNIT: Final = 0x54B2  # 0, pixels, where it is missing
_CRC: Final = 0xBF
_FRONT: Final = 1 << 20  # bytes at the start of a file within which the tracks are described


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of EBML, where it starts, and its content."""

    name: int
    start: int
    content: bytes
    size_bytes: int

    def coded(self, content: bytes | None = None) -> bytes:
        """The element, with other content perhaps; its size takes as many bytes as before where that is enough."""
        content = self.content if content is None else content
        return _element(self.name, content, self.size_bytes)


def _number(data: bytes, at: int, *, marked: bool) -> tuple[int, int]:
    """A number of variable length and how many bytes it takes; `marked`: with its length marker, as names have it."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return value if marked else value & ((1 << 7 * length) - 1), length


def _element(name: int, content: bytes, size_bytes: int = 1) -> bytes:
    while len(content) >= (1 << 7 * size_bytes) - 1:
        size_bytes += 1
    size = (len(content) | 1 << 7 * size_bytes).to_bytes(size_bytes, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + content


def _elements(data: bytes, at: int = 0) -> Iterator[_Element]:
    """The elements of some content, as far as they are in it as a whole."""
    while at < len(data):
        name, name_bytes = _number(data, at, marked=True)
        size, size_bytes = _number(data, at + name_bytes, marked=False)
        begin = at + name_bytes + size_bytes
        if begin + size > len(data):
            return
        yield _Element(name, at, data[begin : begin + size], size_bytes)
        at = begin + size


def _checked(parts: list[bytes], had_check: bool) -> bytes:
    """Content of an element, a checksum in front where it had one."""
    content = b"".join(parts)
    return _element(_CRC, zlib.crc32(content).to_bytes(4, "little")) + content if had_check else content


def state_shape(path: Path, size: Size, aspect: Fraction) -> bool:
    """Write down how wide a film's samples are.

    Args:
        path: a Matroska or WebM file as FFmpeg writes it.
        size: of the film's frames.
        aspect: width of a sample over its height.

    Returns:
        False where the file is not as expected; it is as it was then.
    """
    with path.open("r+b") as file:
        data = file.read(_FRONT)
        head = next(_elements(data))
        segment = len(head.coded())
        name, name_bytes = _number(data, segment, marked=True)
        _, size_bytes = _number(data, segment + name_bytes, marked=False)
        begin = segment + name_bytes + size_bytes
        front = []
        for element in _elements(data, begin):
            front.append(element)
            if element.name == _TRACKS:
                break
        if name != _SEGMENT or [one.name for one in front] != [_SEEK_HEAD, _VOID, _INFO, _TRACKS]:
            return False
        seek_head, void, info, tracks = front
        made = _with_shape(tracks, size, aspect)
        if made is None:
            return False
        grown = len(made) - len(tracks.coded())
        room = len(void.content) - grown
        if room < 0:
            return False
        new = _moved(seek_head, grown) + void.coded(bytes(room)) + info.coded() + made
        if len(new) != tracks.start + len(tracks.coded()) - begin:
            return False
        file.seek(begin)
        file.write(new)
    return True


def _with_shape(tracks: _Element, size: Size, aspect: Fraction) -> bytes | None:
    """The description of the tracks with the film's shape in it; None where there is no such film."""
    parts, found = [], False
    children = list(_elements(tracks.content))
    for track in children:
        if track.name == _CRC:
            continue
        content = track.content
        if track.name == _TRACK and not found:
            pieces = list(_elements(content))
            for index, piece in enumerate(pieces):
                if piece.name == _VIDEO and _is_of(piece, size):
                    found = True
                    changed = piece.coded(_shaped(piece, size, aspect))
                    content = b"".join(changed if n == index else one.coded() for n, one in enumerate(pieces))
                    break
        parts.append(track.coded(content))
    if not found:
        return None
    return tracks.coded(_checked(parts, any(one.name == _CRC for one in children)))


def _is_of(video: _Element, size: Size) -> bool:
    facts = {one.name: int.from_bytes(one.content, "big") for one in _elements(video.content)}
    return (facts.get(_PIXEL_WIDTH), facts.get(_PIXEL_HEIGHT)) == (size.width, size.height)


def _shaped(video: _Element, size: Size, aspect: Fraction) -> bytes:
    """How wide and high a frame is to be shown, in samples as they would be if they were square."""
    kept = [
        one.coded()
        for one in _elements(video.content)
        if one.name not in (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    ]
    shown = Size(round(size.width * aspect), size.height)
    for name, side in ((_DISPLAY_WIDTH, shown.width), (_DISPLAY_HEIGHT, shown.height)):
        kept.append(_element(name, side.to_bytes(4, "big")))
    return b"".join(kept)


def _moved(seek_head: _Element, by: int) -> bytes:
    """The table of contents, what stands between it and the end of the tracks `by` bytes further in front."""
    children = list(_elements(seek_head.content))
    parts = []
    for seek in children:
        if seek.name == _SEEK:
            facts = {one.name: one for one in _elements(seek.content)}
            where = facts[_SEEK_POSITION]
            if int.from_bytes(facts[_SEEK_ID].content, "big") in (_INFO, _TRACKS):
                position = int.from_bytes(where.content, "big") - by
                moved = where.coded(position.to_bytes(len(where.content), "big"))
                parts.append(seek.coded(facts[_SEEK_ID].coded() + moved))
            else:
                parts.append(seek.coded())
        elif seek.name != _CRC:
            parts.append(seek.coded())
    return seek_head.coded(_checked(parts, any(one.name == _CRC for one in children)))
