"""`subpixel upscale --plan` for films: what would be done, in words and as one row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from subpixel.cli.display import seconds_text
from subpixel.video.films import Film

if TYPE_CHECKING:
    from subpixel.upscaler import Upscaler
    from subpixel.video.pictured import PictureFilm


def plan_row(source: Path, film: Film | PictureFilm, upscaler: Upscaler) -> dict[str, object]:
    """The plan as one JSON object."""
    row: dict[str, object] = {
        "input": str(source),
        "output": str(film.target),
        "models": [step.model.name for step in film.plan.passes],
        "notes": list(film.notes),
    }
    if isinstance(film, Film):
        seconds = film.seconds(upscaler)
        size, after = film.clip.size, film.encoder.size
        row |= {
            "from": [size.width, size.height],
            "size": [after.width, after.height],
            "frames": film.source().count,
            "rate": float(film.clip.rate),
            "encoder": film.encoder.encoder,
            "format": film.encoder.format,
            "copied": [str(track) for track in film.copied],
            "seconds": None if seconds is None else round(seconds, 1),
        }
    return row


def plan_lines(source: Path, film: Film | PictureFilm, upscaler: Upscaler) -> list[str]:
    """The plan for people, a line for each thing to know."""
    names = " + ".join(step.model.name for step in film.plan.passes) or "resampling"
    notes = [f"  note: {note}" for note in film.notes]
    if not isinstance(film, Film):
        return [f"{source} → {film.target}  {film.plan.target}", f"  networks: {names}", *notes]
    clip, encoder, frames, seconds = film.clip, film.encoder, film.source().count, film.seconds(upscaler)
    from subpixel.video.health import frames_text

    many = "an unknown number of frames" if frames is None else frames_text(frames)
    options = encoder.told or "lossless"
    lines = [
        f"{clip.path} → {film.target}  {clip.size} → {encoder.size}, {many} at {float(clip.rate):.4g} a second",
        f"  networks: {names}",
        f"  film: {clip.codec} {clip.format} → {encoder.encoder} {encoder.format}, {options}",
        f"  copied: {', '.join(map(str, film.copied)) or 'there is no other stream'}",
        *notes,
    ]
    if seconds is not None:
        lines.append(f"  time: about {seconds_text(seconds)} for the networks")
    return lines
