"""The same folder by one computer, by a cluster of one node, and by one of several: what handing out costs.

    python benchmarks/cluster.py

All nodes are on this computer and share its cores, so nothing gets quicker: what is measured is what Ray, sending
pictures and noting results take, in processor time of all processes, which other programs hardly change. Nodes are
started, and their networks loaded, before the clock runs; how long that takes stands below the table. See README.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from report import command_line, machine_class, run_command, table, versions, write_section

from batch import prepare
from subpixel import Upscaler, batch, cluster

_STORE = 200_000_000


def processor_time() -> float:
    """Seconds of all cores for this process and those that it started, and those that they did."""
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            facts = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(facts[1])
        spent[int(path.parent.name)] = sum(map(int, facts[11:15])) / tick  # with children that have ended

    def ours(process: int) -> bool:
        while process > 1:
            if process == os.getpid():
                return True
            process = parents.get(process, 0)
        return False

    return sum(seconds for process, seconds in spent.items() if ours(process))


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds for the folder, of all cores for it, to start the nodes, and for their first pictures."""

    seconds: float
    cpu: float
    starting: float = 0.0
    loading: float = 0.0


def by_nodes(cores: list[int], source: Path, few: Path, target: Path, scale: float) -> Took:
    """The folder, by nodes with so many cores."""
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
    warm, before = perf_counter(), processor_time()
    report = cluster.upscale_cluster(source, target, "auto", scale=scale)
    seconds, cpu = perf_counter() - warm, processor_time() - before
    ray.shutdown()
    made.shutdown()
    assert not report.failed
    return Took(seconds, cpu, begun - started, warm - begun)


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

        def told(what: str, took: Took) -> None:
            rows.append([what, f"{took.seconds:.1f}", f"{took.cpu:.1f}", f"{took.cpu / plain.cpu:.2f}"])
            print(*rows[-1])

        with Upscaler(threads=options.cores) as upscaler:
            batch.upscale_folder(few, Path(name) / "warm", scale=scale, upscaler=upscaler)
            started, before = perf_counter(), processor_time()
            report = batch.upscale_folder(source, Path(name) / "plain", scale=scale, upscaler=upscaler)
            plain = Took(perf_counter() - started, processor_time() - before)
        megapixels = report.megapixels
        told(f"a folder, {options.cores} threads", plain)
        runs: list[tuple[str, Callable[[], Took]]] = [
            (f"1 node × {options.cores} cores",
             lambda: by_nodes([options.cores], source, few, Path(name) / "one", scale)),
            (f"{options.cores} nodes × 1 core",
             lambda: by_nodes([1] * options.cores, source, few, Path(name) / "several", scale)),
        ]  # fmt: skip
        for what, run in runs:
            took = run()
            told(what, took)
            notes.append(f"{what}: {took.starting:.1f} s to start, {took.loading:.1f} s for the first pictures")
        print(*notes, sep="\n")
        if options.dry:
            return
        body = f"""
Command: `{command_line()}`

Machine: {machine_class(options.cores)}. {versions("subpixel", "openvino", "ray")}.

{options.count} photographs, {megapixels:.0f} megapixels of results, ×{scale:g}; all nodes on the same cores. Seconds
depend on what else this computer does, CPU seconds hardly do.

{table(("", "seconds", "CPU seconds", "times the folder, by CPU seconds"), rows)}

Before that, {"; ".join(notes)}."""
        write_section("Many machines", body)


if __name__ == "__main__":
    run_command(main)
