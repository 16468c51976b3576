"""Where the time goes when a small picture is made larger: a 256×256 PNG, fourfold, from the shell and back.

    python benchmarks/start_up.py

Whole runs of `subpixel upscale` are timed from outside, alternating with an interpreter that does nothing. Then the
same steps are taken one after another in fresh processes, and each is timed from inside. See README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from report import command_line, machine_class, run_command, table, versions, write_section

SIDE = 256
NOTHING = "pass"
WHOLE = "from subpixel.cli.start import main; main()"
STEPS = """
import json, os, sys, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
source, target = sys.argv[1:]
last, rows = time.perf_counter(), []
def done(name):
    global last
    now = time.perf_counter()
    rows.append((name, now - last))
    last = time.perf_counter()
import numpy; done("numpy")
import typer; done("typer")
import subpixel.cli.upscale; done("the command")
import subpixel.upscaler; done("the main path")
from subpixel import image; picture = image.read(source); done("libvips, reading")
from subpixel.engines.openvino import _openvino; _openvino(); done("OpenVINO")
from subpixel.plan import Target
upscaler = subpixel.upscaler.Upscaler(); upscaler.networks.load((4,), upscaler.precision_for(8), colour=True)
done("verifying and compiling networks")
made = upscaler.picture(picture, Target(4)); done("computing")
image.write(made.picture, target, overwrite=True); done("coding, writing")
print(json.dumps(rows))
"""


def timed(program: str, *words: str) -> tuple[float, str]:
    """Seconds of wall time of a fresh interpreter, and what it printed."""
    began = perf_counter()
    done = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True)
    return perf_counter() - began, done.stdout


def main() -> None:
    """Measure and write the section."""
    import numpy as np

    import subpixel

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="runs of each kind")
    rounds = parser.parse_args().rounds
    scene = subpixel.upscale(Path(__file__).parents[1] / "examples" / "scene.png", height=SIDE + 8)
    whole, nothing, steps = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "small.png", Path(folder) / "large.png"
        square = np.ascontiguousarray(scene.pixels[:, :SIDE, :SIDE])
        subpixel.write(scene.with_pixels(square), source)
        words = ("upscale", str(source), "-o", str(target), "--scale", "4", "--overwrite", "--quiet")
        timed(WHOLE, *words)  # fills the system's file cache, and Python's of compiled modules
        for _ in range(rounds):
            whole.append(timed(WHOLE, *words)[0])
            nothing.append(timed(NOTHING)[0])
            steps.append(json.loads(timed(STEPS, str(source), str(target))[1]))
    names = [name for name, _ in steps[0]]
    rows = [["an interpreter that does nothing", f"{median(nothing) * 1000:.0f} ms"]]
    rows += [[name, f"{median(run[i][1] for run in steps) * 1000:.0f} ms"] for i, name in enumerate(names)]
    body = "\n".join(
        [
            f"Command: `{command_line()}`",
            "",
            f"Machine: {machine_class(subpixel.Upscaler().threads)}. "
            f"{versions('subpixel', 'openvino', 'pyvips', 'typer')}.",
            "",
            f"`subpixel upscale` on a {SIDE}×{SIDE} PNG, ×4, start of the process to its end: median "
            f"**{median(whole):.2f} s** of {rounds} runs (least {min(whole):.2f} s, most {max(whole):.2f} s).",
            "",
            table(["step, in this order", "median"], rows),
        ]
    )
    write_section("Start", body)
    print(body)


if __name__ == "__main__":
    run_command(main)
