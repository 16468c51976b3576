"""A zoo with a whole line of models in it: small published networks under the names of the house's families."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from subpixel import zoo

STAND_INS = {"swift": "srcnn", "crisp": "espcn", "fine": "espcn"}
"""Family → whose networks play its part."""


def pretend(
    folder: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], *, keep: tuple[str, ...] = ("espcn", "srcnn")
) -> None:
    """Make the zoo hold `names` (``"crisp-restore-x4"``), the families to `keep`, bicubic, and nothing else."""
    own = Path(zoo.__file__).parent / "models"
    folder.mkdir()
    for source in own.iterdir():
        if source.name.rpartition("-x")[0] in (*keep, "bicubic"):
            shutil.copytree(source, folder / source.name)
    for name in names:
        family, _, scale = name.rpartition("-x")
        stand_in = f"{STAND_INS[family.partition('-')[0]]}-x{scale}"
        shutil.copytree(own / stand_in, folder / name)
        card = folder / name / "card.toml"
        text = re.sub(r'(?m)^name = ".*"$', f'name = "{name}"', card.read_text(encoding="utf-8"))
        card.write_text(re.sub(r'(?m)^family = ".*"$', f'family = "{family}"', text), encoding="utf-8")
    monkeypatch.setattr(zoo, "_MODELS", folder)
    forget()


def forget() -> None:
    """Let the zoo look at its folder anew."""
    for cached in (zoo.model_names, zoo._own_card, zoo.families):
        cached.cache_clear()


LINE = tuple(
    f"{family}{kind}-x{scale}" for family in STAND_INS for kind in ("", "-restore") for scale in zoo.default_models()
)
"""Every model of the line."""
