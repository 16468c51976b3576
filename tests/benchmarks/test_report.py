"""Sections of the benchmarks' results."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("report", BENCHMARKS / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_command_replaces_its_own_section_only(report: ModuleType, tmp_path: Path) -> None:
    target = tmp_path / "results.md"
    report.write_section("One", "first", target)
    report.write_section("Two", "second", target)
    report.write_section("One", "third, with a \\backslash", target)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("# Measured results")
    assert text.index("## One") < text.index("third, with a \\backslash") < text.index("## Two") < text.index("second")
    assert "first" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_tables_and_commands(report: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report.table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|--:|\n| 1 | 2 |"
    monkeypatch.setattr("sys.argv", ["/some/where/protocol.py", "--data", "/a/folder", "--rounds", "3"])
    assert report.command_line(hide=("--data",)) == "python benchmarks/protocol.py --data DATA --rounds 3"
    assert "cores" in report.machine_class(2)
    assert "numpy" in report.versions("numpy")
