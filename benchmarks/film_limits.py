"""From which quantiser on restoring networks do better for films: what `subpixel.video.squeezed` holds.

    python benchmarks/film_limits.py --photographs FOLDER [--scale 2] [--codec libx264]

A window moves over photographs (10 pixels of the result from frame to frame), is reduced (antialiased bicubic), coded,
decoded, and enlarged by crisp and by crisp-restore. Prints the mean quantiser as the decoder tells it, and the mean
PSNR of luma of both against the window; nothing is written. Takes some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any, Final

import av
import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel import Upscaler
from subpixel.image import resample
from subpixel.plan import Target
from subpixel.video.clips import probe
from subpixel.video.frames import FrameUpscaler
from subpixel.video.planes import Planes
from subpixel.video.reading import FilmSource
from subpixel.video.squeezed import judge

WAYS: Final = {
    "libx264": [{"crf": str(crf), "preset": "fast"} for crf in (18, 22, 24, 26, 28, 30, 32, 36)],
    "libx265": [{"crf": str(crf), "x265-params": "log-level=none"} for crf in (18, 22, 26, 28, 32, 36)],
    "libvpx-vp9": [{"crf": str(crf), "b": "0", "cpu-used": "5"} for crf in (24, 36, 42, 50, 56)],
    "libsvtav1": [{"crf": str(crf), "preset": "9"} for crf in (24, 36, 42, 50, 56)],
    "mpeg2video": [{"qmin": str(q), "qmax": str(q), "bf": "2"} for q in (3, 5, 6, 8, 10, 12, 20)],
    "mpeg4": [{"qmin": str(q), "qmax": str(q)} for q in (3, 5, 6, 8, 10, 12, 20)],
}
LENGTH: Final = 9
SIDES: Final = (320, 192)  # of the small film

Luma = NDArray[np.uint8]


def window(photograph: Path, scale: int) -> list[Luma]:
    """Luma of the frames that are to come out."""
    picture = pyvips.Image.new_from_file(str(photograph)).colourspace("b-w").cast("uchar").extract_band(0)
    width, height = (side * scale for side in SIDES)
    fit = max((width + 80) / picture.width, (height + 60) / picture.height)
    whole: Luma = picture.resize(fit).numpy().reshape(-1, round(picture.resize(fit).width))
    return [whole[6 * n : 6 * n + height, 8 * n : 8 * n + width] for n in range(LENGTH)]


def coded(frames: list[Luma], codec: str, options: dict[str, str], path: Path) -> None:
    """A grey film in 4:2:0."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIDES, "yuv420p"
        stream.codec_context.bit_rate = 2_000_000
        for index, luma in enumerate(frames):
            whole = np.full((SIDES[1] * 3 // 2, SIDES[0]), 128, np.uint8)
            whole[: SIDES[1]] = luma
            frame = av.VideoFrame.from_ndarray(whole, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def luma_psnr(made: Luma, wanted: Luma, border: int) -> float:
    """dB, without the border."""
    inner = (slice(border, -border),) * 2
    error = (made[inner].astype(np.float64) - wanted[inner]) ** 2
    return float(10 * np.log10(255**2 / error.mean()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photographs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--number", type=int, default=8, help="photographs looked at (default 8)")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=2)
    parser.add_argument("--codec", choices=list(WAYS), default="libx264")
    asked = parser.parse_args()
    files = sorted(file for file in asked.photographs.iterdir() if file.is_file())
    files = files[:: max(1, len(files) // asked.number)][: asked.number]
    large = [window(file, asked.scale) for file in files]
    small = [
        [
            np.rint(resample.resize(one[None].astype(np.float32), SIDES[1], SIDES[0])[0].clip(0, 255)).astype(np.uint8)
            for one in film
        ]
        for film in large
    ]
    ways = [Upscaler(f"crisp{kind}-x{asked.scale}") for kind in ("", "-restore")]
    enlargers = [FrameUpscaler(way, Target(asked.scale), reuse=False) for way in ways]
    print(
        "| coded with | quantiser | clean | restored | films where restored is ahead |",
        "|---|--:|--:|--:|--:|",
        sep="\n",
    )
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "film.mkv")
        for options in WAYS[asked.codec]:
            told, pairs = [], []
            for before, wanted in zip(small, large, strict=True):
                coded(before, asked.codec, options, path)
                clip = probe(path)
                told.append(judge(clip).quantiser)
                frames = [timed.frame for timed in FilmSource(clip, "yuv420p").frames() if timed is not None]
                scores = []
                for enlarger in enlargers:
                    made = [enlarger.upscale(frame) for frame in frames if isinstance(frame, Planes)]
                    scores.append(mean(luma_psnr(made[n].y, wanted[n], 8) for n in (4, 7)))
                pairs.append(scores)
            known = [value for value in told if value is not None]
            words = " ".join(f"{key} {value}" for key, value in options.items() if key in ("crf", "qmin"))
            share = mean(restored > clean for clean, restored in pairs)
            clean, restored = (mean(column) for column in zip(*pairs, strict=True))
            quantiser = f"{mean(known):.1f}" if known else "–"
            print(f"| {asked.codec} {words} | {quantiser} | {clean:.2f} | {restored:.2f} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
