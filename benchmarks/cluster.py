"""The same folder by one computer, by a cluster of one node, and by one of several: what handing out costs.

    python benchmarks/cluster.py

All nodes are on this computer and share its cores, so nothing gets quicker: what is measured is what Ray, sending
pictures and noting results take. Nodes are started, and their networks loaded, before the clock runs; how long that
takes stands below the table. See README.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from report import command_line, machine_class, run_command, table, versions, write_section

from batch import prepare
from subpixel import Upscaler, batch, cluster

_STORE = 200_000_000


def by_nodes(cores: list[int], source: Path, few: Path, target: Path, scale: float) -> tuple[float, float, float]:
    """Seconds for the folder by nodes with so many cores, to start them, and to load networks; megapixels made."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    started = perf_counter()
    made = Cluster()
    for index, count in enumerate(cores):
        more: dict[str, Any] = {} if index else {"include_dashboard": False}
        made.add_node(num_cpus=count, object_store_memory=_STORE, **more)
    ray.init(made.address, log_to_driver=False, logging_level="error")
    begun = perf_counter()
    cluster.upscale_cluster(few, target.with_name(f"{target.name}-few"), "auto", scale=scale)
    warm = perf_counter()
    report = cluster.upscale_cluster(source, target, "auto", scale=scale)
    seconds = perf_counter() - warm
    ray.shutdown()
    made.shutdown()
    assert not report.failed
    return seconds, begun - started, warm - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40, help="photographs (default 40)")
    parser.add_argument("--scale", type=float, default=4, help="factor (default 4)")
    parser.add_argument("--cores", type=int, default=2, help="cores to use (default 2)")
    parser.add_argument("--dry", action="store_true", help="print, and leave results.md as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source, few, scale = Path(name) / "in", Path(name) / "few", options.scale
        prepare(source, options.count)
        prepare(few, 2 * options.cores)
        rows: list[list[str]] = []
        notes: list[str] = []
        plain = 0.0

        def told(what: str, seconds: float) -> None:
            rows.append([what, f"{seconds:.1f}", f"{seconds / plain:.2f}"])
            print(*rows[-1])

        with Upscaler(threads=options.cores) as upscaler:
            batch.upscale_folder(few, Path(name) / "warm", scale=scale, upscaler=upscaler)
            started = perf_counter()
            report = batch.upscale_folder(source, Path(name) / "plain", scale=scale, upscaler=upscaler)
            plain = perf_counter() - started
        megapixels = report.megapixels
        told(f"a folder, {options.cores} threads", plain)
        runs: list[tuple[str, Callable[[], tuple[float, float, float]]]] = [
            (f"1 node × {options.cores} cores",
             lambda: by_nodes([options.cores], source, few, Path(name) / "one", scale)),
            (f"{options.cores} nodes × 1 core",
             lambda: by_nodes([1] * options.cores, source, few, Path(name) / "several", scale)),
        ]  # fmt: skip
        for what, run in runs:
            seconds, starting, loading = run()
            told(what, seconds)
            notes.append(f"{what}: {starting:.1f} s to start the nodes, {loading:.1f} s for their first pictures")
        print(*notes, sep="\n")
        if options.dry:
            return
        body = f"""
Command: `{command_line()}`

Machine: {machine_class(options.cores)}. {versions("subpixel", "openvino", "ray")}.

{options.count} photographs, {megapixels:.0f} megapixels of results, ×{scale:g}; all nodes on the same cores.

{table(("", "seconds", "times the folder"), rows)}

Before that, {"; ".join(notes)}."""
        write_section("Many machines", body)


if __name__ == "__main__":
    run_command(main)
