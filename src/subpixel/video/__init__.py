"""Films made larger: frames here, containers beside them.

    from subpixel import video
    video.upscale("clip.mp4", "clip-x3.mp4", scale=3)
    for shown in video.upscale_frames("clip.mp4", scale=3): ...

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subpixel.video.clips import Clip, probe
    from subpixel.video.films import Film, FilmResult, Wishes
    from subpixel.video.flow import Progress
    from subpixel.video.oneline import Shown, upscale, upscale_frames

__all__ = ["Clip", "Film", "FilmResult", "Progress", "Shown", "Wishes", "probe", "upscale", "upscale_frames"]

_HOMES = {
    "Clip": "clips",
    "Film": "films",
    "FilmResult": "films",
    "Progress": "flow",
    "Shown": "oneline",
    "Wishes": "films",
    "probe": "clips",
    "upscale": "oneline",
    "upscale_frames": "oneline",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"subpixel.video.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'subpixel.video' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
