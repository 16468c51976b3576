"""Draw the pictures of this page and print its table: `python docs/explanation/two-outputs/compare.py`.

Needs matplotlib. Each CSV beside this file is the `log.csv` of `subpixel train two-output-NAME`; scores and parameters
come from the cards of the shipped models.
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

import subpixel
from subpixel.measure import lettering

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MODELS = ROOT / "src" / "subpixel" / "zoo" / "models"
SCENE = ROOT / "examples" / "scene.png"
NAMES = ("basic", "residual", "atrous", "pretrained", "shuffle")
TITLES = ("basic", "residual", "atrous", "EfficientNet block", "depth-to-space")
COLOURS = ("#666666", "#0072b2", "#009e73", "#e69f00", "#d55e00")  # Okabe and Ito
CROPS = ((28, 92, 88, 140), (168, 118, 228, 166))  # left, top, right, bottom in pixels of the scene: sign, boat
GAP, BAR, INK = 8, 28, (48, 52, 56)

Rgb = NDArray[np.uint8]


def rows(name: str) -> list[dict[str, str]]:
    """The learning curve of a network."""
    with (HERE / f"{name}.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["held_out_each"]]


def each(row: dict[str, str]) -> tuple[float, float]:
    """PSNR of both outputs on the held-out photographs."""
    twice, four = row["held_out_each"].split(";")
    return float(twice), float(four)


def table() -> str:
    """The comparison as Markdown, from cards and curves."""
    lines = [
        "| network | parameters | multiply-adds per pixel | loss weights | minutes "
        "| Set5 ×2 | Set5 ×4 | BSD100 ×2 | BSD100 ×4 |",
        "|---|---:|---:|---|---:|---:|---:|---:|---:|",
    ]
    weights = {"basic": "½ ½", "residual": "½ ½", "atrous": "0.3 0.7"}
    for name, title in zip(NAMES, TITLES, strict=True):
        card = tomllib.loads((MODELS / f"two-output-{name}" / "card.toml").read_text(encoding="utf-8"))
        four, twice = card["scores"], card["outputs"]["x2"]["scores"]
        minutes = float(rows(name)[-1]["seconds"]) / 60
        lines.append(
            f"| {title} | {card['parameters']:,} | {card['macs']:,} | {weights.get(name, '0.65 0.35')} | {minutes:.0f} "
            f"| {twice['Set5']['psnr']:.2f} | {four['Set5']['psnr']:.2f} "
            f"| {twice['BSD100']['psnr']:.2f} | {four['BSD100']['psnr']:.2f} |"
        )
    bicubic = [tomllib.loads((MODELS / f"bicubic-x{s}" / "card.toml").read_text())["scores"] for s in (2, 4)]
    scores = " | ".join(f"{bicubic[i][name]['psnr']:.2f}" for name in ("Set5", "BSD100") for i in (0, 1))
    return "\n".join([*lines, f"| bicubic | 0 | | | 0 | {scores} |"])


def curves() -> None:
    """PSNR of both outputs on the held-out photographs over minutes of training."""
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    for output, (panel, factor) in enumerate(zip(panels, (2, 4), strict=True)):
        for name, title, colour in zip(NAMES, TITLES, COLOURS, strict=True):
            curve = rows(name)
            minutes = [float(row["seconds"]) / 60 for row in curve]
            panel.plot(minutes, [each(row)[output] for row in curve], "o-", color=colour, markersize=3, label=title)
        panel.set_title(f"output ×{factor}", loc="left", fontsize=10)
        panel.set_xlabel("minutes of training on one CPU core")
        panel.set_xlim(left=0)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    panels[0].set_ylabel("PSNR on Y, held-out photographs (dB)")
    panels[1].legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(HERE / "curves.png", dpi=110)
    plt.close(figure)


def captioned(picture: Rgb, words: str) -> Rgb:
    """A picture with a line of words below it."""
    mask = lettering.line(words, 16)[..., None] / 255
    bar = np.full((BAR, picture.shape[1], 3), 255, np.uint8)
    top, width = (BAR - mask.shape[0]) // 2, min(mask.shape[1], picture.shape[1])
    bar[top : top + mask.shape[0], :width] = np.rint(255 + mask[:, :width] * (np.array(INK) - 255)).astype(np.uint8)
    return np.concatenate((picture, bar))


def sheet() -> None:
    """Both outputs of every network on the same crops; the smaller output is shown with each pixel doubled."""
    methods = [("bicubic", "bicubic"), *((f"two-output-{n}", t) for n, t in zip(NAMES, TITLES, strict=True))]
    made = [subpixel.upscale(SCENE, scales=(2, 4), model=model) for model, _ in methods]
    lines = []
    for crop in CROPS:
        for output, factor in enumerate((2, 4)):
            left, top, right, bottom = (side * factor for side in crop)
            panels = []
            for (_, title), pictures in zip(methods, made, strict=True):
                part = pictures[output].pixels[0][top:bottom, left:right]
                shown = part.repeat(4 // factor, axis=0).repeat(4 // factor, axis=1)
                between = np.full((shown.shape[0] + BAR, GAP, 3), 255, np.uint8)
                panels += [captioned(shown, f"{title} ×{factor}"), between]
            lines.append(np.concatenate(panels[:-1], axis=1))
    subpixel.write(subpixel.Picture(np.concatenate(lines)[None]), HERE / "crops.png", overwrite=True)


if __name__ == "__main__":
    print(table())
    curves()
    sheet()
