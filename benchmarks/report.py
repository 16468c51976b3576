"""Writes measurements into `results.md`: each command owns one section and replaces it, the others stay."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from subpixel.errors import SubpixelError

RESULTS = Path(__file__).parent / "results.md"
_HEAD = "# Measured results\n\nWritten by the commands that stand beside each table; see [README](README.md).\n"


def machine_class(threads: int) -> str:
    """The kind of computer, without its name: cores, and the instruction sets that matter to the networks."""
    sets = []
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text().split()) if info.exists() else set()
    for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_bf16", "bf16"), ("amx_bf16", "AMX")):
        if flag in flags:
            sets.append(name)
    cores = os.cpu_count() or 1
    held = os.environ.get("ONEDNN_MAX_CPU_ISA", "")  # OpenVINO and PyTorch then compute as on a lesser processor
    limit = f", engine held to {held} (ONEDNN_MAX_CPU_ISA)" if held else ""
    return f"{cores} cores ({platform.machine()}{', ' if sets else ''}{', '.join(sets)}), {threads} threads used{limit}"


def versions(*packages: str) -> str:
    """Names and versions of those packages that are installed, for the line under a table."""
    said = ["Python " + ".".join(map(str, sys.version_info[:2]))]
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            said.append(f"{package} {version(package)}")
    return ", ".join(said)


def command_line(hide: Sequence[str] = ()) -> str:
    """The command that is running, with the folders named after `hide` options left to the reader."""
    words = [f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]
    for option in hide:
        if option in words[:-1]:
            words[words.index(option) + 1] = option.strip("-").upper()
    return "python " + " ".join(shlex.quote(word) for word in words)


def run_command(main: Callable[[], None]) -> None:
    """Run a benchmark; what a person can mend is said in one line."""
    try:
        main()
    except SubpixelError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: {error}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A markdown table; columns after the first `text_columns` are set flush right."""
    lines = ["| " + " | ".join(heads) + " |"]
    lines.append("|" + "|".join("---" if k < text_columns else "--:" for k in range(len(heads))) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def write_section(title: str, body: str, target: Path = RESULTS) -> None:
    """Replace the section `## title` of the results, or add it."""
    text = target.read_text(encoding="utf-8") if target.exists() else _HEAD
    section = f"## {title}\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.M | re.S)
    found = pattern.search(text)
    text = pattern.sub(lambda _: section + "\n", text) if found else f"{text.rstrip()}\n\n{section}"
    partial = target.with_suffix(".partial")
    partial.write_text(text.rstrip() + "\n", encoding="utf-8")
    partial.replace(target)
