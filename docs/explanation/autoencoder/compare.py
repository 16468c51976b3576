"""Draw the curves of this page and print its table: `python docs/explanation/autoencoder/compare.py`.

Needs matplotlib. Each CSV beside this file is the `log.csv` of `subpixel train autoencoder-x4-NAME`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl

from subpixel_train import recipe as recipes
from subpixel_train.networks import build

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
VARIANTS = {
    "published": ("as published: MSE, Adadelta", "#000000"),
    "adam": ("Adam in place of Adadelta", "#d55e00"),
    "pixel-shuffle": ("pixel shuffles in place of upsampling", "#0072b2"),
    "transposed": ("transposed convolutions in place of upsampling", "#56b4e9"),
    "perceptual": ("features beside MSE", "#cc79a7"),
    "regularised": ("dynamic regularisation", "#009e73"),
    "deep": ("more blocks, up to 1,024 filters", "#e69f00"),
}


def curve(name: str) -> tuple[list[float], list[float]]:
    """Steps and PSNR on the held-out photographs."""
    with (HERE / f"{name}.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["held_out_psnr"]]
    return [float(row["step"]) for row in rows], [float(row["held_out_psnr"]) for row in rows]


def minutes(name: str) -> float:
    """Time of the whole training."""
    with (HERE / f"{name}.csv").open(encoding="utf-8") as file:
        return float(list(csv.DictReader(file))[-1]["seconds"]) / 60


def table() -> str:
    """Each improvement by itself, as Markdown."""
    base = max(curve("published")[1])
    lines = ["| | parameters | minutes | held-out PSNR | gain |", "|---|---:|---:|---:|---:|"]
    for name, (title, _) in VARIANTS.items():
        chosen = recipes.load("autoencoder-published-x4" if name == "published" else f"autoencoder-x4-{name}")
        count, best = build(chosen.network, chosen.scale).trained_parameters, max(curve(name)[1])
        gain = "" if name == "published" else f"{best - base:+.2f} dB"
        lines.append(f"| {title} | {count:,} | {minutes(name):.1f} | {best:.2f} dB | {gain} |")
    return "\n".join(lines)


def draw() -> None:
    """PSNR over steps of training."""
    figure, panel = plt.subplots(figsize=(9.5, 3.8), layout="constrained")
    for name, (title, colour) in VARIANTS.items():
        panel.plot(*curve(name), "o-", color=colour, markersize=3.5, label=title)
    panel.set_xlabel("steps of training")
    panel.set_ylabel("PSNR on Y, held-out photographs (dB)")
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    panel.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(HERE / "curves.png", dpi=110)


if __name__ == "__main__":
    print(table())
    draw()
