"""Benchmark sets as this project measures with them: `HR/xR` cut to a multiple of R beside `LR/xR`, same names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyvips

from subpixel.errors import TrainingError

SCALES: Final = (2, 3, 4)


def lay_out(large: Path, small: dict[int, Path], to: Path) -> None:
    """Make `to/HR/xR` and `to/LR/xR` of a set whose large pictures are there once.

    A small picture of h × w pixels belongs to the upper left R·h × R·w pixels of its large one: that is what was
    reduced. Pixels stay as they are; the large ones are written as PNG.

    Args:
        large: folder of pictures, as ``baby.png``.
        small: factor R → folder of pictures, as ``babyx2.png``. They are moved.
        to: an existing, empty folder.

    Raises:
        TrainingError: a picture without partner, or one of another size.
    """
    names = {path.stem: path for path in sorted(large.iterdir())}
    for scale, folder in small.items():
        high, low = to / "HR" / f"x{scale}", to / "LR" / f"x{scale}"
        high.mkdir(parents=True)
        low.mkdir(parents=True)
        for path in sorted(folder.iterdir()):
            name = path.stem.removesuffix(f"x{scale}")
            if name not in names:
                raise TrainingError(
                    f"{path.name} has no large picture in the archive", "it is not the set it should be"
                )
            _cut(names[name], path, scale, high / f"{name}.png")
            path.rename(low / f"{name}{path.suffix}")


def _cut(large: Path, small: Path, scale: int, to: Path) -> None:
    try:
        picture, reduced = pyvips.Image.new_from_file(str(large)), pyvips.Image.new_from_file(str(small))
        width, height = scale * reduced.width, scale * reduced.height
        if not (0 <= picture.width - width < scale and 0 <= picture.height - height < scale):
            sizes = f"{picture.width}×{picture.height} and {reduced.width}×{reduced.height}"
            raise TrainingError(
                f"{large.name} and {small.name} are not a pair at ×{scale}", f"they have {sizes} pixels"
            )
        picture.crop(0, 0, width, height).write_to_file(str(to))
    except pyvips.Error as error:
        raise TrainingError(f"{large.name} cannot be cut", str(error).strip().splitlines()[0]) from None
