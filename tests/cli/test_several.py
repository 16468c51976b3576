"""`subpixel upscale --scale 2,4`: several results of one picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.types import Size
from tests import networks
from tests.cli.conftest import Command, draw

pytest.importorskip("onnx", reason="makes the networks: pip install onnx")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with two outputs."""
    return networks.two_outputs(tmp_path_factory.mktemp("models") / "two")


def _files(folder: Path) -> set[str]:
    """Everything in a folder but journals, which stand among results of folders."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if ".subpixel" not in path.parts}


def _sizes(*paths: Path) -> list[Size]:
    return [subpixel.read(path).size for path in paths]


def test_both_in_one_run(run: Command, tmp_path: Path, two: Path) -> None:
    source = draw(tmp_path / "a.png")
    ran = run("upscale", source, "--scale", "2,4", "--model", two)
    assert ran.code == 0
    assert ran.err == ""
    first, second = ran.out.splitlines()
    assert all(part in first for part in ("a-x2.png", "30×20 → 60×40", "two", " s"))
    assert all(part in second for part in ("a-x4.png", "30×20 → 120×80", "two", "in the same run"))
    assert _files(tmp_path) == {"a.png", "a-x2.png", "a-x4.png"}
    assert _sizes(tmp_path / "a-x2.png", tmp_path / "a-x4.png") == [Size(60, 40), Size(120, 80)]


def test_both_are_what_each_alone_is(run: Command, tmp_path: Path, two: Path) -> None:
    source = draw(tmp_path / "a.png", 50, 70)
    assert run("upscale", source, "-s", "4,2", "-m", two, "-o", f"{tmp_path}/both/").code == 0
    for scale in (2, 4):
        ran = run("upscale", source, "-s", scale, "-m", two, "-o", f"{tmp_path}/alone/")
        assert ran.code == 0
        assert "two," in ran.out, "that output of the network, not passes of another"
        one, other = (subpixel.read(tmp_path / name / f"a-x{scale}.png").pixels for name in ("both", "alone"))
        assert np.abs(one.astype(int) - other).max() <= 1, "rounding may turn where other outputs are computed beside"


def test_networks_of_their_own_take_their_own_runs(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    ran = run("upscale", source, "--scale", "2,4")
    assert ran.code == 0
    first, second, note = ran.out.splitlines()
    assert "-x2, " in first
    assert "-x4, " in second
    assert "same run" not in second
    assert "note: no one network gives all of these: computed in 2 runs" in note
    for scale in (2, 4):
        run("upscale", source, "--scale", scale, "-o", tmp_path / f"alone-{scale}.png")
        assert (tmp_path / f"a-x{scale}.png").read_bytes() == (tmp_path / f"alone-{scale}.png").read_bytes()


def test_any_factors_beside_each_other(run: Command, tmp_path: Path, two: Path) -> None:
    ran = run("upscale", draw(tmp_path / "a.png"), "--scale", "2,4,1.5,0.5,2", "--model", two)
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 5
    assert "computed in 3 runs" in ran.out
    sizes = _sizes(*(tmp_path / f"a-x{scale}.png" for scale in ("2", "4", "1.5", "0.5")))
    assert [size.width for size in sizes] == [60, 120, 45, 15]


def test_json(run: Command, tmp_path: Path, two: Path) -> None:
    source = draw(tmp_path / "a.png")
    small, large = (
        json.loads(line) for line in run("upscale", source, "-s", "2,4", "-m", two, "--json").out.splitlines()
    )
    assert (small["size"], large["size"]) == ([60, 40], [120, 80])
    assert small["models"] == large["models"] == ["two"]
    assert small["shared_with"] is None
    assert large["shared_with"] == small["output"] == str(tmp_path / "a-x2.png")
    assert small["seconds"]["run"] > 0
    assert large["seconds"]["run"] == large["seconds"]["read"] == large["seconds"]["load"] == 0, "counted once"
    assert large["seconds"]["total"] == pytest.approx(large["seconds"]["write"], abs=1e-3)


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ("out/", {"out/a-x2.png", "out/a-x4.png"}),
        ("out/{name}@{scale}x.png", {"out/a@2x.png", "out/a@4x.png"}),
        ("{scale}/{name}.webp", {"2/a.webp", "4/a.webp"}),
        ("b-x{scale}.jpg", {"b-x2.jpg", "b-x4.jpg"}),
        ("{name}_{scale}", {"a_2.png", "a_4.png"}),
    ],
)
def test_folders_and_patterns(run: Command, tmp_path: Path, two: Path, output: str, names: set[str]) -> None:
    source = draw(tmp_path / "in" / "a.png")
    ran = run("upscale", source, "-s", "2,4", "-m", two, "-o", f"{tmp_path}/{output}")
    assert ran.code == 0, ran.err
    assert _files(tmp_path) == {"in/a.png", *names}


def test_a_pattern_for_one_result(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    draw(tmp_path / "b.png")
    ran = run("upscale", tmp_path / "a.png", tmp_path / "b.png", "-s", "2", "-o", tmp_path / "large-{name}.png")
    assert ran.code == 0
    assert _files(tmp_path) == {"a.png", "b.png", "large-a.png", "large-b.png"}
    assert run("upscale", tmp_path / "a.png", "--width", "70", "-o", tmp_path / "{name}-{scale}.png").code == 0
    assert (tmp_path / "a-w70.png").exists()


def test_folder_is_mirrored(run: Command, tmp_path: Path, two: Path) -> None:
    for index, name in enumerate(("in/a.png", "in/deep/b.jpg")):
        draw(tmp_path / name, seed=index)
    assert run("upscale", tmp_path / "in", "-s", "2,4", "-m", two).code == 0
    assert _files(tmp_path / "in-x2") == _files(tmp_path / "in-x4") == {"a.png", "deep/b.jpg"}
    assert run("upscale", tmp_path / "in", "-s", "2,4", "-m", two, "-o", tmp_path / "out").code == 0
    assert _files(tmp_path / "out") == {"a-x2.png", "a-x4.png", "deep/b-x2.jpg", "deep/b-x4.jpg"}
    pattern = tmp_path / "own" / "{name}.{scale}.png"
    assert run("upscale", tmp_path / "in", "-s", "2,4", "-m", two, "-o", pattern).code == 0
    assert _files(tmp_path / "own") == {"a.2.png", "a.4.png", "deep/b.2.png", "deep/b.4.png"}


@pytest.mark.parametrize("taken", ["a-x2.png", "a-x4.png"])
def test_nothing_is_overwritten_unasked(run: Command, tmp_path: Path, two: Path, taken: str) -> None:
    source = draw(tmp_path / "a.png")
    (tmp_path / taken).write_bytes(b"mine")
    ran = run("upscale", source, "-s", "2,4", "-m", two)
    assert ran.code == 4
    assert "--overwrite" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert (tmp_path / taken).read_bytes() == b"mine"
    assert _files(tmp_path) == {"a.png", taken}
    assert run("upscale", source, "-s", "2,4", "-m", two, "--overwrite").code == 0
    assert _sizes(tmp_path / "a-x2.png", tmp_path / "a-x4.png") == [Size(60, 40), Size(120, 80)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-s", "2,4", "-o", "b.png"], "give a folder, as -o results/, or a pattern, as -o b-x{scale}.png"),
        (["-s", "2,4", "-o", "{name}.png"], "for 2 sizes"),
        (["-s", "2,big"], "the factor is 'big'"),
        (["-s", "2,"], "the factor is ''"),
        (["-s", "2,0"], "the factor is 0"),
        (["-s", "2,4", "--width", "90"], "both a factor and a size"),
    ],
)
def test_wrong_words(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "a.png")
    ran = run("upscale", "a.png", *words)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert _files(tmp_path) == {"a.png"}


def test_two_inputs_never_share_a_name(run: Command, tmp_path: Path, two: Path) -> None:
    draw(tmp_path / "in/a.png")
    draw(tmp_path / "in/a.jpg", seed=1)
    ran = run("upscale", tmp_path / "in", "-s", "2,4", "-m", two, "-o", tmp_path / "out", "--format", "webp")
    assert ran.code == 1
    assert "would both be written" in ran.err
    assert _files(tmp_path / "out") == {"a-x2.webp", "a-x4.webp"}


def test_if_one_cannot_be_written_nothing_is_left(run: Command, tmp_path: Path, two: Path) -> None:
    """GIF holds 65535 pixels a side; here the second name is a folder, found out before the work."""
    source = draw(tmp_path / "a.png")
    (tmp_path / "a-x4.png").mkdir()
    ran = run("upscale", source, "-s", "2,4", "-m", two)
    assert ran.code == 4
    assert _files(tmp_path) == {"a.png"}


def test_a_name_taken_during_the_work(tmp_path: Path, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first result already has its name when the second cannot get its own: both are gone, the other file stays."""
    from subpixel.image import writing

    source = draw(tmp_path / "a.png")
    given: list[Path] = []

    def settle(made: object, final: Path, target: object, overwrite: bool) -> None:
        if given:
            final.write_bytes(b"somebody else's")
        given.append(final)
        real(made, final, target, overwrite)  # type: ignore[arg-type]

    real = writing.settle
    monkeypatch.setattr(writing, "settle", settle)
    targets = [subpixel.Target(2), subpixel.Target(4)]
    with subpixel.Upscaler(two) as upscaler, pytest.raises(subpixel.SubpixelError, match=r"b4\.png exists"):
        upscaler.files(source, [tmp_path / "b2.png", tmp_path / "b4.png"], targets)
    assert len(given) == 2
    assert _files(tmp_path) == {"a.png", "b4.png"}
    assert (tmp_path / "b4.png").read_bytes() == b"somebody else's"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_full_disk(tmp_path: Path, two: Path) -> None:
    """Room for the small result, none for the large one: nothing is left."""
    source = draw(tmp_path / "a.png", 100, 100)
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "from subpixel.cli.start import main; main()"
    )
    command = [sys.executable, "-c", program, "upscale", str(source), "--scale", "2,4", "--model", str(two)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "120"})
    assert done.returncode == 4, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "a-x4.png" in done.stderr
    assert _files(tmp_path) == {"a.png"}


def test_plan(run: Command, tmp_path: Path, two: Path) -> None:
    source = draw(tmp_path / "a.png", 300, 400)
    ran = run("upscale", source, "--plan", "-s", "2,4", "-m", two)
    assert ran.code == 0
    for part in ("400×300 → 800×600 and 1600×1200", "pass 1    two", "halo 4 (", "more work)"):
        assert part in ran.out
    one = json.loads(run("upscale", source, "--plan", "-s", "2,4", "-m", two, "--json").out)
    assert one["sizes"] == [[800, 600], [1600, 1200]]
    assert one["passes"][0]["overhead"] > 1
    runs = [json.loads(line) for line in run("upscale", source, "--plan", "-s", "2,4", "--json").out.splitlines()]
    assert [row["sizes"] for row in runs] == [[[800, 600]], [[1600, 1200]]]
    assert _files(tmp_path) == {"a.png"}


def test_models_show_both(run: Command, two: Path) -> None:
    text = (two / "card.toml").read_text()
    shown = two.with_name("shown")
    shown.mkdir(exist_ok=True)
    (shown / "two.onnx").write_bytes((two / "two.onnx").read_bytes())
    more = 'training = "For a minute."\n[scores.Set5]\npsnr = 30.5\nssim = 0.9\n'
    more += "[outputs.x2.scores.Set5]\npsnr = 35.5\nssim = 1"
    (shown / "card.toml").write_text(f"{text}\n{more}\n")
    ran = run("models", "show", shown)
    for part in ("×2 and ×4, in one pass", "For a minute.", "Set5 ×2: 35.50 dB", "Set5 ×4: 30.50 dB"):
        assert part in ran.out
    assert json.loads(run("models", shown, "--json").out)["scales"] == [2, 4]
