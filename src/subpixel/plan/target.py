"""From what the user asked for (a factor or a size) to the exact size of the result. Pure arithmetic."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from subpixel.errors import SettingError
from subpixel.types import Size

MAX_FACTOR = 16.0
DEFAULT_FACTOR = 4.0
_TRY = "give a factor above 0 and up to 16, as --scale 2.5"


@dataclass(frozen=True, slots=True)
class Target:
    """What the user asked for: a factor, or a width and/or height to fit inside. Aspect ratio is always kept."""

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and (self.width is not None or self.height is not None):
            raise SettingError("both a factor and a size were given", "give --scale, or --width, --height or --size")
        for name, value in (("factor", self.scale), ("width", self.width), ("height", self.height)):
            if value is not None and not isinstance(value, int | float):
                raise SettingError(f"the {name} is {value!r}", "give a number")
        if self.scale is not None and not (math.isfinite(self.scale) and 0 < self.scale <= MAX_FACTOR):
            raise SettingError(f"the factor is {self.scale:g}", _TRY)
        for name, value in (("width", self.width), ("height", self.height)):
            if value is not None and value < 1:
                raise SettingError(f"the {name} is {value}", f"give 1 pixel or more, as --{name} 1920")

    @property
    def label(self) -> str:
        """For file names: ``x4``, ``x2.7``, ``1920x1080``, ``w1920``, ``h1080``."""
        if self.width is not None and self.height is not None:
            return f"{self.width}x{self.height}"
        if self.width is not None:
            return f"w{self.width}"
        if self.height is not None:
            return f"h{self.height}"
        return f"x{self.scale if self.scale is not None else DEFAULT_FACTOR:g}"

    def factor_for(self, source: Size) -> float:
        """The enlargement of a picture of size `source`.

        Raises:
            SettingError: the size asked for is more than 16 times the picture's.
        """
        bounds = []
        if self.width is not None:
            bounds.append(self.width / source.width)
        if self.height is not None:
            bounds.append(self.height / source.height)
        if not bounds:
            return self.scale if self.scale is not None else DEFAULT_FACTOR
        factor = min(bounds)
        if factor > MAX_FACTOR:
            limit = source.times(int(MAX_FACTOR))
            raise SettingError(
                f"{self.label} is {factor:.3g} times the picture's {source}",
                f"at most {MAX_FACTOR:g} times is possible, that is {limit}",
            )
        return factor

    def size_for(self, source: Size) -> Size:
        """The result's size for a picture of size `source`, at least 1×1.

        Raises:
            SettingError: as `factor_for`.
        """
        factor = self.factor_for(source)
        return Size(max(1, round(source.width * factor)), max(1, round(source.height * factor)))


def parse_factors(text: str) -> tuple[float, ...]:
    """``"2"`` → (2.0,), ``"2,4"`` → (2.0, 4.0); the same one twice counts once.

    Raises:
        SettingError: not numbers with commas between; whether they are possible, `Target` says.
    """
    factors = []
    for word in text.split(","):
        try:
            factors.append(float(word))
        except ValueError:
            hint = "give a number, as --scale 2.5, or several, as --scale 2,4"
            raise SettingError(f"the factor is {word!r}", hint) from None
    return tuple(dict.fromkeys(factors))


def parse_size(text: str) -> tuple[int, int]:
    """``"3840x2160"`` → (3840, 2160).

    Raises:
        SettingError: not two whole numbers with an x between.
    """
    match = re.fullmatch(r"\s*(\d{1,9})\s*[x×X*]\s*(\d{1,9})\s*", text)
    if match is None:
        raise SettingError(f"the size is {text!r}", "give width x height, as --size 3840x2160")
    return int(match[1]), int(match[2])


def targets_of(
    scale: float | None, scales: Sequence[float] | None, width: int | None, height: int | None
) -> tuple[Target, ...]:
    """What was asked for by keyword, as targets.

    Raises:
        SettingError: several factors beside a factor or size, or a target that cannot be right.
    """
    if scales is None:
        return (Target(scale, width, height),)
    if (scale, width, height) != (None, None, None):
        raise SettingError("both several factors and a factor or size were given", "give scales=(2, 4) alone")
    return tuple(Target(factor) for factor in scales)
