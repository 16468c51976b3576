"""The search for the shape of the house's networks: `python docs/explanation/search/search.py [--measure]`.

Prints the table of this page and draws its picture from the CSVs beside it, each the `log.csv` of one short training:

    subpixel train docs/explanation/search/search.yaml --data DATA --output runs/NAME --set …

`--measure` times every candidate on this computer (OpenVINO, static shapes, 320×180 → 1280×720, two threads, median of
15 runs), candidates taking turns, and writes times.json. Needs matplotlib.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

from subpixel_train.costs import measure
from subpixel_train.networks import build
from subpixel_train.networks.plain import PlainSettings

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
TIMES = HERE / "times.json"
ROUNDS = 15


@dataclass(frozen=True)
class Candidate:
    """One candidate: its CSV's name, what it is for people, its shape, and the options of its training."""

    name: str
    title: str
    shape: PlainSettings
    options: str = ""


def shape(width: int = 32, depth: int = 7, **more: object) -> PlainSettings:
    """A plain network, bicubic skip."""
    return PlainSettings.model_validate({"width": width, "depth": depth, "skip": "bicubic", **more})


SMALL = (
    Candidate("base", "32 channels, 7 inner layers", shape()),
    Candidate("w48d3", "48 channels, 3 layers", shape(48, 3)),
    Candidate("u2w64d8", "2×2 unshuffled, 64 channels, 8 layers", shape(64, 8, unshuffle=2, skip="repeat")),
    Candidate("u2w96d3", "2×2 unshuffled, 96 channels, 3 layers", shape(96, 3, unshuffle=2, skip="repeat")),
    Candidate("u2w48d14", "2×2 unshuffled, 48 channels, 14 layers", shape(48, 14, unshuffle=2, skip="repeat")),
    Candidate(
        "u2ortho",
        "2×2 unshuffled, 64 channels, 8 layers, orthogonal start",
        shape(64, 8, unshuffle=2, skip="repeat", start="orthogonal"),
    ),
    Candidate(
        "u2leaky",
        "2×2 unshuffled, 64 channels, 8 layers, leaky ReLU",
        shape(64, 8, unshuffle=2, skip="repeat", activation="leaky"),
    ),
    Candidate("leaky", "leaky ReLU", shape(activation="leaky")),
    Candidate("repeat", "adds to repeated pixels", shape(skip="repeat")),
    Candidate("learned", "adds to a learned enlargement", shape(skip="learned")),
    Candidate("rate6", "rate 0.006 in place of 0.003", shape(), "optimiser.rate=0.006"),
    Candidate("rate12", "rate 0.012", shape(), "optimiser.rate=0.012"),
)
LARGE = (
    Candidate("f64d13", "64 channels, 13 layers, 300 steps", shape(64, 13, skip="learned")),
    Candidate("f48d24", "48 channels, 24 layers, 300 steps", shape(48, 24, skip="learned")),
)


def scores(name: str) -> tuple[float, float]:
    """Held-out and Set5 PSNR at the end."""
    with (HERE / f"{name}.csv").open(encoding="utf-8") as file:
        last = [row for row in csv.DictReader(file) if row["held_out_psnr"]][-1]
    return float(last["held_out_psnr"]), float(last["test_psnr"])


def table(candidates: tuple[Candidate, ...], times: dict[str, dict[str, float]]) -> str:
    """Candidates as Markdown."""
    lines = [
        "| candidate | weights | multiply-adds per pixel | fp32 ms | bf16 ms | held out | Set5 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in candidates:
        network = build(one.shape, 4)
        held, test = scores(one.name)
        took = times.get(one.name, {})
        lines.append(
            f"| {one.title} | {network.trained_parameters:,} | {measure(network).multiply_adds:,} "
            f"| {took.get('f32', float('nan')):.1f} | {took.get('bf16', float('nan')):.1f} | {held:.2f} | {test:.2f} |"
        )
    return "\n".join(lines)


def measured(candidates: tuple[Candidate, ...]) -> dict[str, dict[str, float]]:
    """Milliseconds of each candidate in fp32 and bf16."""
    import openvino as ov

    from subpixel_train import torch_graph

    core, requests = ov.Core(), {}
    picture = np.random.default_rng(0).random((1, 1, 180, 320), np.float32)
    for one in candidates:
        graph = core.read_model(torch_graph.export(build(one.shape, 4)), b"")
        graph.reshape([1, 1, 180, 320])
        for precision in ("f32", "bf16"):
            settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 2, "NUM_STREAMS": 1}
            requests[one.name, precision] = core.compile_model(graph, "CPU", settings).create_infer_request()
    print(f"timing {len(requests)} networks", flush=True)
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in requests}
    for number in range(ROUNDS + 2):
        for key in list(requests)[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            requests[key].infer({0: picture})
            if number >= 2:
                taken[key].append(1e3 * (time.perf_counter() - began))
    made: dict[str, dict[str, float]] = {}
    for (name, precision), all_of_them in taken.items():
        made.setdefault(name, {})[precision] = round(statistics.median(all_of_them), 2)
    return made


def draw(times: dict[str, dict[str, float]]) -> None:
    """PSNR on held-out photographs against time."""
    figure, panel = plt.subplots(figsize=(8, 4.2), layout="constrained")
    for one in SMALL:
        strided = one.shape.unshuffle == 2
        x, y = times[one.name]["bf16"], scores(one.name)[0]
        panel.plot(x, y, "s" if strided else "o", color="#d55e00" if strided else "#0072b2", markersize=6)
        if one.name in ("base", "w48d3", "u2w64d8", "u2w96d3", "u2w48d14", "u2ortho", "rate6"):
            panel.annotate(
                one.title.removeprefix("2×2 unshuffled, "), (x, y), (6, 3), textcoords="offset points", fontsize=8
            )
    panel.plot([], [], "o", color="#0072b2", label="at the picture's size")
    panel.plot([], [], "s", color="#d55e00", label="on 2×2 unshuffled input")
    panel.set_xlabel("milliseconds, 320×180 → 1280×720, bf16, two cores")
    panel.set_ylabel("PSNR on Y, held-out photographs (dB)")
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(axis="y", color="#e5e5e5", linewidth=0.7)
    panel.set_xlim(19, 25.5)
    panel.legend(frameon=False, fontsize=9, loc="lower left")
    figure.savefig(HERE / "search.png", dpi=110)


def main() -> None:
    """Print, draw, and measure where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="time every candidate here")
    if parser.parse_args().measure:
        TIMES.write_text(json.dumps(measured((*SMALL, *LARGE)), indent=1) + "\n", encoding="utf-8")
    times = json.loads(TIMES.read_text(encoding="utf-8"))
    print(table(SMALL, times), table(LARGE, times), sep="\n\n")
    draw(times)


if __name__ == "__main__":
    main()
