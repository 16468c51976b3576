"""`subpixel upscale` for pictures: one job after the other, what went wrong told and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.inputs import Job, drop_folders, make_folder
from subpixel.cli.plan import show_plan
from subpixel.cli.start import stop_if_asked
from subpixel.errors import EngineError, ModelError, SubpixelError

if TYPE_CHECKING:
    from subpixel.cli.display import Display
    from subpixel.plan import Target
    from subpixel.upscaler import Upscaler


@dataclass(frozen=True, slots=True)
class PictureCoding:
    """How pictures are read and results written: the arguments of `Upscaler.files` of the same names."""

    format: str | None
    file_quality: int | None
    lossless: bool | None
    overwrite: bool
    pixel_limit: int | None


def upscale_pictures(
    jobs: Sequence[Job | tuple[Path, SubpixelError]],
    targets: Sequence[Target],
    coding: PictureCoding,
    upscaler: Upscaler,
    display: Display,
    *,
    plan: bool,
    as_json: bool,
) -> list[SubpixelError]:
    """Make pictures larger, or show what would be done; returns what went wrong.

    Raises:
        ModelError, EngineError: as wrong for every other picture.
    """
    failed: list[SubpixelError] = []
    for job in jobs:
        if isinstance(job, tuple):
            failed.append(job[1])
            display.error(*job)
            continue
        display.begin(job.source)
        made: list[Path] = []
        try:
            if plan:
                limit = coding.pixel_limit
                show_plan(upscaler, job.source, targets, pixel_limit=limit, as_json=as_json, within=display.within)
                continue
            for target in job.targets:
                made = make_folder(target) + made
            results = upscaler.files(
                job.source,
                job.targets,
                targets,
                format=coding.format,
                file_quality=coding.file_quality,
                lossless=coding.lossless,
                overwrite=coding.overwrite,
                pixel_limit=coding.pixel_limit,
                progress=display.progress,
            )
            display.results(results)
        except (ModelError, EngineError):
            drop_folders(made)
            raise  # as wrong for every other picture
        except SubpixelError as error:
            drop_folders(made)
            stop_if_asked()
            failed.append(error)
            display.error(job.source, error)
    return failed
