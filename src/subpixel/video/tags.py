"""Colour tags: what the samples of a film mean, said in the result so that every player shows the same colours.

The numbers are those of ITU-T H.273, which FFmpeg, MP4 and Matroska share. A film that says nothing is shown by players
according to its size: small ones as BT.601, large ones as BT.709. Enlarged, it would pass from one to the other and
change its colours, so what its own size meant is written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from subpixel.types import Size
from subpixel.video.planes import Matrix

LIMITED: Final = 1
FULL: Final = 2

_RGB: Final = 0
_BT709: Final = 1
_UNSAID: Final = 2
_BT470BG: Final = 5  # BT.601 of 625 lines
_SMPTE170M: Final = 6  # BT.601 of 525 lines
_MATRICES: Final[dict[int, Matrix]] = {1: "bt709", 9: "bt2020", 10: "bt2020"}
_SD_WIDTH: Final = 1280
_SD_HEIGHT: Final = 576


@dataclass(frozen=True, slots=True)
class Tags:
    """Colour tags as numbers of ITU-T H.273.

    Attributes:
        range: 1 limited, 2 full.
        matrix: how R, G, B become Y, Cb, Cr.
        primaries: what red, green and blue are.
        transfer: how samples become light.
    """

    range: int
    matrix: int
    primaries: int
    transfer: int

    @property
    def kind(self) -> Matrix:
        """The matrix as those who compute with it know it."""
        return _MATRICES.get(self.matrix, "bt601")

    @property
    def is_hdr(self) -> bool:
        """True where samples mean light as in BT.2100 (PQ or HLG)."""
        return self.transfer in (16, 18)

    @property
    def full(self) -> bool:
        """True where luma uses every sample value."""
        return self.range == FULL


def settled(size: Size, *, range: int, matrix: int, primaries: int, transfer: int, rgb: bool, full: bool) -> Tags:
    """Tags with everything said that the stream leaves to the player.

    Args:
        size: of the frames, before they are enlarged.
        range: as the stream says it, 0 where it does not.
        matrix: the same, 2 where it does not.
        primaries: the same.
        transfer: the same.
        rgb: True where the stream is coded as RGB and will be turned into luma and chroma by BT.709.
        full: True where its sample format means full range whatever the tag says.

    Returns:
        What players take such a film for: BT.709 if it is wider than 1279 or higher than 576 pixels, else the matrix
        of BT.601, with primaries by its number of lines (the rule of mpv, and much the same in others).
    """
    wide = size.width >= _SD_WIDTH or size.height > _SD_HEIGHT
    if rgb:
        return Tags(
            LIMITED,
            _BT709,
            _BT709 if primaries in (0, _UNSAID) else primaries,
            _BT709 if transfer in (0, _UNSAID) else transfer,
        )
    if matrix in (_RGB, _UNSAID):
        matrix = _BT709 if wide else _BT470BG if size.height == _SD_HEIGHT else _SMPTE170M
    if primaries in (0, _UNSAID):
        if matrix == _BT709 or matrix not in (_BT470BG, _SMPTE170M):
            primaries = 9 if matrix in (9, 10) else _BT709
        else:
            primaries = {576: _BT470BG, 480: _SMPTE170M, 486: _SMPTE170M}.get(size.height, _BT709)
    if transfer in (0, _UNSAID):
        transfer = 14 if matrix in (9, 10) else _BT709 if primaries == _BT709 else _SMPTE170M
    return Tags(FULL if full or range == FULL else LIMITED, matrix, primaries, transfer)
