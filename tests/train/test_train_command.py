"""`python -m subpixel_train`: one line for every mistake, and an exit code."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel_train.__main__ import main


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of `python -m subpixel_train ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["subpixel_train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train", "espcn-x33"), 2, "error: there is no recipe espcn-x33: did you mean espcn-x3?"),
        (("export", "nowhere"), 7, "error: there is no training in nowhere: give the folder that subpixel train wrote"),
        (("train", "espcn-x3", "--data", "nowhere"), 7, "error: there is no data folder nowhere"),
    ],
)
def test_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert called(monkeypatch, *arguments) == code
    error = capfd.readouterr().err
    assert error.startswith(said) and error.count("\n") == 1


def test_without_pytorch_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert called(monkeypatch, "train", "espcn-x3") == 7
    assert capfd.readouterr().err == "error: training needs torch: install it with: pip install 'subpixel[train]'\n"


def test_help_shows_examples(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "train", "--help") == 0
    assert "subpixel train espcn-x3 --data pictures" in capfd.readouterr().out
