"""`subpixel models`."""

from __future__ import annotations

import json

from subpixel import zoo
from tests.cli.conftest import Command


def test_list_names_every_model_with_scores(run: Command) -> None:
    ran = run("models")
    assert ran.code == 0
    for name in zoo.model_names():
        assert name in ran.out
    score = zoo.card("espcn-x3").scores["Set5"]
    assert f"{score.psnr:.2f} {score.ssim:.4f}" in ran.out


def test_json_is_the_cards(run: Command) -> None:
    cards = json.loads(run("models", "--json").out)
    assert [card["name"] for card in cards] == list(zoo.model_names())


def test_show_one(run: Command) -> None:
    ran = run("models", "show", "espcn-x3")
    assert ran.code == 0
    for part in ("espcn-x3", "×3", "luma", "Apache-2.0", "verified", "Set5"):
        assert part in ran.out


def test_a_family_lists_its_models(run: Command) -> None:
    out = run("models", "show", "srcnn").out
    assert all(f"srcnn-x{scale}" in out for scale in (2, 3, 4))
    assert "espcn" not in out


def test_show_nothing_or_nonsense(run: Command) -> None:
    assert run("models", "show").code == 2
    assert run("models", "espcn-x2", "espcn-x3").code == 2
    assert run("models", "espcn-x3").out == run("models", "show", "espcn-x3").out
    ran = run("models", "show", "espnc-x3")
    assert ran.code == 5
    assert "did you mean" in ran.err
