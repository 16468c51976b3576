"""Folders of pictures made larger: a journal beside the results, so that nothing is made twice and nobody starts over.

    from subpixel import batch
    report = batch.upscale_folder("holiday", "holiday-large", scale=4)

Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subpixel.batch.oneline import upscale_folder
    from subpixel.batch.report import Failure, Progress, Report

__all__ = ["Failure", "Progress", "Report", "upscale_folder"]

_HOMES = {"Failure": "report", "Progress": "report", "Report": "report", "upscale_folder": "oneline"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"subpixel.batch.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'subpixel.batch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
