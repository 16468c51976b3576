"""What settings of the encoders cost and give: seconds, bytes, and what is lost, on an enlarged photograph.

    python benchmarks/encoders.py --data DATA

Five pictures of BSD100 (the first of 480×320 in `DATA/benchmark/BSD100/HR/x4`) are enlarged fourfold and put below each
other: 12 megapixels. Each setting codes them from memory into memory, on one core; time is the processor's, which other
programs do not change much. A row in bold is what `subpixel` writes. See README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import Upscaler, image
from subpixel.errors import SettingError
from subpixel.image.formats import by_name
from subpixel.image.libvips import vips
from subpixel.types import Pixels

PICTURES = 5
SCALE = 4
SHAPE = (320, 480)

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "jpeg": [
        {"Q": 95, "subsample_mode": "off"},
        {"Q": 95, "subsample_mode": "on"},
        {"Q": 95, "subsample_mode": "off", "optimize_coding": True},
        {"Q": 95, "subsample_mode": "off", "interlace": True},
        {"Q": 92, "subsample_mode": "off"},
        {"Q": 97, "subsample_mode": "on"},
    ],
    "png": [
        *({"compression": level, "filter": "paeth"} for level in (1, 3, 4, 6)),
        *({"compression": 1, "filter": kind} for kind in ("none", "sub", "up", "avg")),
        *({"compression": 3, "filter": kind} for kind in ("sub", "up", "avg", "all")),
        *({"compression": level, "filter": "avg"} for level in (2, 4)),
    ],
    "webp": [
        *({"Q": 92, "effort": effort} for effort in (0, 1, 2, 3, 4)),
        {"Q": 92, "effort": 2, "smart_subsample": True},
        *({"lossless": True, "exact": True, "effort": effort} for effort in (0, 1)),
    ],
    "tiff": [
        {"compression": "none"},
        {"compression": "lzw", "predictor": "horizontal"},
        {"compression": "deflate", "predictor": "horizontal"},
        {"compression": "deflate", "predictor": "horizontal", "level": 1},
    ],
    "avif": [
        *({"Q": 85, "compression": "av1", "subsample_mode": "off", "effort": effort} for effort in (0, 1)),
        {"Q": 85, "compression": "av1", "subsample_mode": "on", "effort": 0},
    ],
}


@dataclass(frozen=True, slots=True)
class Coded:
    """What one setting gave: seconds of one core, megabytes, PSNR on RGB in dB (None: nothing is lost)."""

    seconds: float
    megabytes: float
    psnr: float | None


def photographs(data: Path) -> Pixels:
    """The pictures that are coded, enlarged, as one: (height, width, 3)."""
    parts = []
    with Upscaler() as upscaler:
        for path in sorted((data / "benchmark" / "BSD100" / "HR" / "x4").glob("img_*.*")):
            pixels = image.read(path).pixels[0]
            if pixels.shape == (*SHAPE, 3) and len(parts) < PICTURES:
                parts.append(upscaler.upscale(pixels, scale=SCALE))
    if len(parts) < PICTURES:
        raise SettingError(f"{data} has {len(parts)} fitting pictures", f"{PICTURES} of 480×320 pixels are needed")
    return np.ascontiguousarray(np.concatenate(parts))


def code(pixels: Pixels, name: str, settings: Mapping[str, Any], rounds: int) -> Coded:
    """Code the pixels `rounds` times."""
    pyvips = vips()
    height, width, _ = pixels.shape
    source = pyvips.Image.new_from_memory(pixels.reshape(-1).data, width, height, 3, "uchar").copy(
        interpretation="srgb"
    )
    row, spent, data = by_name(name), [], b""
    for _ in range(rounds):
        started = process_time()
        data = pyvips.Operation.call(f"{row.codec}save_buffer", source, keep="none", **settings)
        spent.append(process_time() - started)
    back = image.read(bytes(data)).pixels[0, ..., :3]
    error = float(np.mean(np.square(back.astype(np.float32) - pixels)))
    return Coded(median(spent), len(data) / 1e6, None if error == 0 else 10 * np.log10(255**2 / error))


def shipped(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether these are the settings that `subpixel` uses."""
    row = by_name(name)
    kinds = [{**row.options, **row.lossless_options}, {**row.options, **row.lossy_options, "Q": row.quality}]
    silent = ("alpha_q",)
    return any({key: kind[key] for key in kind if key not in silent} == dict(settings) for kind in kinds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with benchmark/BSD100/HR/x4")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--formats", nargs="*", default=list(SETTINGS), choices=SETTINGS, help="only these")
    options = parser.parse_args()
    vips().concurrency_set(1)
    pixels = photographs(options.data)
    rows = []
    for name in options.formats:
        for settings in SETTINGS[name]:
            made = code(pixels, name, settings, options.rounds)
            words = ", ".join(f"{key} {value}" for key, value in settings.items() if key != "lossless" or value)
            mark = "**" if shipped(name, settings) else ""
            loss = "none" if made.psnr is None else f"{made.psnr:.1f}"
            rows.append(
                [f"{mark}{by_name(name).title}: {words}{mark}", f"{made.seconds:.2f}", f"{made.megabytes:.2f}", loss]
            )
            print(*rows[-1], sep="  ")
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    body = f"""
Command: `{command_line(hide=("--data",))}`

Machine: {machine_class(1)}. {versions("subpixel", "pyvips")}.

{PICTURES} photographs of BSD100, enlarged fourfold by the default model, coded as one picture of {megapixels:.1f}
megapixels; seconds of one core, median of {options.rounds} rounds; loss on RGB. What `subpixel` uses is in bold.

{table(["setting", "seconds", "MB", "PSNR, dB"], rows)}
"""
    if options.formats == list(SETTINGS):
        write_section("Encoders", body)


if __name__ == "__main__":
    run_command(main)
