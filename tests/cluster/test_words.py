"""What the command says before any cluster is asked, and that nothing of it is loaded where it is not wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from subpixel.cli.main import invoke
from subpixel.cluster import nodes
from tests.batch.conftest import draw

LATER = ("ray", "fsspec", "s3fs", "subpixel.cluster")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ["in", "-o", "out", "--cluster", "ray://127.0.0.1:9"],
            8,
            "no cluster answers at ray://127.0.0.1:9: Connection",
        ),
        (["in", "-o", "out", "--cluster=nowhere"], 2, "nowhere is no address of a cluster: give ray://HOST:10001"),
        (["in", "-o", "out", "--within", "9s", "--cluster"], 2, "both --within and --cluster were given"),
        (["in", "-o", "out", "--cluster", "--watch"], 2, "both --watch and --cluster were given"),
        (["in", "--cluster", "auto", "--plan"], 2, "both --plan and --cluster were given"),
        (["film.mp4", "--cluster"], 2, "--cluster was given with a video"),
        (["s3://bucket/film.mp4", "-o", "s3://bucket/out"], 2, "a URL was given with a video"),
        (["s3://bucket/in"], 2, "s3://bucket/in was given, and no place for results"),
        (["in", "-o", "out", "--cluster", "auto", "--threads", "0"], 2, "the number of threads is 0"),
        (["in", "-o", "out", "--cluster", "auto", "-m", "nobody"], 5, "no model is called 'nobody'"),
        (["in", "-o", "s3://{name}/x.png"], 2, "begins in the bucket's name"),
    ],
)
def test_words(
    words: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if "ray://127.0.0.1:9" in words:
        pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "in" / "p.png")
    assert invoke(["upscale", *words]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    nodes._imported.cache_clear()
    draw(tmp_path / "in" / "p.png")
    assert invoke(["upscale", str(tmp_path / "in"), "--cluster"]) == 2
    nodes._imported.cache_clear()
    assert capsys.readouterr().err == (
        "subpixel: --cluster needs Ray, which is not installed: pip install 'subpixel[cluster]'\n"
    )


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["in", "-o", "out", "--cluster"], "local"),
        (["--cluster", "in", "-o", "out"], "local"),
        (["in", "--cluster", "-o", "out"], "local"),
        (["in", "--cluster", "auto"], "auto"),
        (["in", "--cluster", "10.0.0.1:6379"], "10.0.0.1:6379"),
        (["in", "--cluster=ray://head:10001"], "ray://head:10001"),
        (["in", "--cluster", "ray://head:10001"], "ray://head:10001"),
    ],
)
def test_the_address_may_be_left_out(words: list[str], address: str) -> None:
    import typer.main

    from subpixel.cli.main import app

    command = typer.main.get_command(app).get_command(None, "upscale")  # type: ignore[attr-defined]
    made = command.make_context("upscale", words)
    assert (made.params["cluster"], list(made.params["inputs"])) == (address, ["in"])


def test_nothing_of_it_is_loaded_for_a_file(tmp_path: Path) -> None:
    source = draw(tmp_path / "p.png")
    program = (
        "import sys; from subpixel.cli.main import invoke\n"
        f"assert invoke(['upscale', {str(source)!r}, '-s', '2', '-m', 'espcn']) == 0\n"
        f"folder = [{str(tmp_path)!r}, '-o', {str(tmp_path / 'out')!r}]\n"
        "assert invoke(['upscale', *folder, '-s', '2', '-m', 'espcn']) == 0\n"
        f"print(sorted(set({LATER!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
