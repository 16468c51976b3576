"""Everything that decides what results are like, in words: what a journal compares."""

from __future__ import annotations

from collections.abc import Sequence

from subpixel.batch.naming import PictureCoding
from subpixel.plan import Target
from subpixel.upscaler import Upscaler


def settings_of(
    upscaler: Upscaler, targets: Sequence[Target], coding: PictureCoding, within: str | None = None
) -> dict[str, str]:
    """The settings of a run, by name.

    Threads, tiles and limits are not among them: results are the same. Networks are, with a hash of their weights, so
    that a newer version of the package makes anew only what it makes otherwise.

    Args:
        upscaler: makes the pictures larger.
        targets: factor or size of each result.
        coding: how they are written.
        within: a time that chooses the networks, as it was typed: what fits may be another network in every run.
    """
    choose = upscaler.choose
    made = {
        "scale": ", ".join(target.label for target in targets),
        "engine": upscaler.engine,
        "format": coding.format or "",
        "file quality": "" if coding.file_quality is None else str(coding.file_quality),
        "lossless": "" if coding.lossless is None else str(coding.lossless),
        "restore": {True: "always", False: "never", None: "as needed"}[choose.restore],
    }
    if coding.pyramid is not None:
        made["pyramid"] = str(coding.pyramid)
    if within is not None:
        return {**made, "within": within}
    return {
        **made,
        "model": ", ".join(sorted({*choose.clean.weights, *choose.restoring.weights})),
        "eightfold": str(choose.eightfold),
        "precision": upscaler.precision,
    }
