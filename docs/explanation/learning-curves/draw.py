"""Draw the learning curves in this folder (needs matplotlib).

Each CSV is the `log.csv` that `subpixel train NAME` left. The drawing shows PSNR on Set5 after every epoch, which the
training never looked at, with the paper's figure as a dashed line. The titles give the score on the model's card.
"""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
MODELS = HERE.parents[2] / "src" / "subpixel" / "zoo" / "models"
PAPERS = {
    "espcn": ("ESPCN", {2: 36.83, 3: 33.13, 4: 30.90}),
    "srcnn": ("SRCNN (9-1-5)", {2: 36.34, 3: 32.39, 4: 30.09}),
}
COLOURS = {2: "#0072b2", 3: "#d55e00", 4: "#009e73"}  # Okabe and Ito: told apart by everybody


def stages(name: str) -> list[tuple[list[float], list[float]]]:
    """Minutes and PSNR on Set5 of the epochs of a training, stage by stage; minutes go on from one to the next."""
    found, before = [], 0.0
    for stage in ("-first", "-second", ""):
        path = HERE / f"{name}{stage}.csv"
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if row["test_psnr"]]
            minutes = [before + float(row["seconds"]) / 60 for row in rows]
            found.append((minutes, [float(row["test_psnr"]) for row in rows]))
            before = minutes[-1]
    return found


def main() -> None:
    """Write learning-curves.png beside this file."""
    figure, panels = plt.subplots(3, 2, figsize=(9, 7.5), sharex="col", layout="constrained")
    for column, (network, (title, figures)) in enumerate(PAPERS.items()):
        for row, (scale, published) in enumerate(figures.items()):
            panel = panels[row][column]
            panel.axhline(published, color="#555555", linestyle="--", linewidth=1)
            parts = stages(f"{network}-x{scale}")
            for minutes, values in parts:
                panel.plot(minutes, values, color=COLOURS[scale], linewidth=2, marker="o", markersize=3.5)
            psnr = [value for _, values in parts for value in values]
            panel.set_ylim(min(*psnr, published) - 0.08, max(*psnr, published) + 0.1)
            above = psnr[-1] < published
            panel.annotate(
                f"paper {published:.2f}",
                (1, published),
                (-4, 4 if above else -4),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                va="bottom" if above else "top",
                color="#555555",
                fontsize=8,
            )
            card = tomllib.loads((MODELS / f"{network}-x{scale}" / "card.toml").read_text(encoding="utf-8"))
            panel.set_title(f"{title} ×{scale}: {card['scores']['Set5']['psnr']:.2f} dB", loc="left", fontsize=10)
            panel.spines[["top", "right"]].set_visible(False)
            panel.grid(axis="y", color="#e5e5e5", linewidth=0.7)
            if column == 0:
                panel.set_ylabel("PSNR on Y, Set5 (dB)")
        panels[-1][column].set_xlim(left=0)
        panels[-1][column].set_xlabel("minutes of training on one CPU core")
    figure.savefig(HERE / "learning-curves.png", dpi=110)


if __name__ == "__main__":
    main()
