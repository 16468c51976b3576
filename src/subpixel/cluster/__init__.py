"""Pictures made larger by many machines: Ray hands them out, fsspec reads and writes them where they are.

    from subpixel import cluster
    report = cluster.upscale_cluster("s3://photos/in", "s3://photos/out", "ray://head:10001", scale=4)

Names are loaded when they are first used; neither Ray nor fsspec is needed before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subpixel.cluster.oneline import upscale_cluster
    from subpixel.cluster.report import ClusterReport

__all__ = ["ClusterReport", "upscale_cluster"]

_HOMES = {"ClusterReport": "report", "upscale_cluster": "oneline"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"subpixel.cluster.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'subpixel.cluster' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
