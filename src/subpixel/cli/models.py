"""`subpixel models`: what there is to choose from, and one model's card."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from subpixel.cli.display import print_table
from subpixel.errors import SettingError
from subpixel.zoo.card import Card

if TYPE_CHECKING:
    from rich.table import Table


def models(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[[show] NAME]", help="A model's card, by name or path; or a family.")
    ] = None,
    benchmark: Annotated[
        bool, typer.Option("--benchmark", help="Measure how quick each is on this computer: under a minute.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads to measure with. [default: every core]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the models, those of a family, or show one.

    Examples:

        subpixel models

        subpixel models show espcn-x3

        subpixel models --benchmark  # time on this computer beside quality

        subpixel models crisp --benchmark  # of one family
    """
    from subpixel import zoo

    if threads is not None and not benchmark:
        raise SettingError("--threads was given without --benchmark", "it is for measuring: add --benchmark")
    names = list(words or [])
    if names[:1] == ["show"]:
        names = names[1:]
        if not names:
            raise SettingError("no model was named", "as in: subpixel models show espcn-x3")
    if len(names) > 1:
        raise SettingError(f"{len(names)} models were named", "one at a time: subpixel models show espcn-x3")
    named: list[str] = list(zoo.model_names())
    if names and names[0] in zoo.families() and names[0] not in zoo.model_names():
        named = [str(model) for model in dict.fromkeys(zoo.candidates(names[0]).values())]
    elif names and not benchmark:
        card = zoo.load_model(names[0]).card
        if as_json:
            print(json.dumps(asdict(card), indent=2))
        else:
            _show(card)
        return
    elif names:
        named = names
    if benchmark:
        from subpixel.cli.speeds import show_speeds

        show_speeds(named, threads=threads, as_json=as_json)
    elif as_json:
        print(json.dumps([asdict(zoo.card(model)) for model in named], indent=2))
    else:
        print_table(partial(_table, [zoo.card(model) for model in named]))
        print("* used when no model is named. PSNR (dB) and SSIM on luma, from the sets' published small pictures.")


def _table(cards: list[Card], between: str) -> Table:
    from rich import box
    from rich.table import Table

    from subpixel import zoo

    rows = sorted(((scale, card) for card in cards for scale in card.scales), key=lambda row: (row[0], row[1].family))
    sets = sorted({name for scale, card in rows for name in card.scores_for(scale)}, key=lambda name: (len(name), name))
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True, min_width=12)
    table.add_column("scale", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    for name in sets:
        table.add_column(f"{name}\nPSNR{between.replace(' ', '  ')}SSIM", justify="right", no_wrap=True)
    for scale, card in rows:
        default = zoo.default_models().get(scale) == card.name
        scores = [card.scores_for(scale).get(name) for name in sets]
        table.add_row(
            f"{card.name}{' *' if default else ''}",
            f"×{scale}",
            f"{card.parameters:,}" if card.parameters else "none",
            *(f"{score.psnr:.2f}{between}{score.ssim:.4f}" if score else "" for score in scores),
        )
    return table


def _show(card: Card) -> None:
    scores = [(scale, name, score) for scale in card.scales for name, score in card.scores_for(scale).items()]
    many = len(card.scales) > 1
    rows = [
        ("name", card.name),
        ("title", card.title),
        ("for", card.summary),
        ("family", card.family),
        ("scale", " and ".join(f"×{scale}" for scale in card.scales) + ", in one pass" * many),
        ("sees", {"y": "luma (BT.601, studio range)", "rgb": "RGB"}[card.colour]),
        ("range", f"{card.value_range[0]:g} to {card.value_range[1]:g}"),
        ("halo", f"{card.halo} input pixels"),
        ("align", f"{card.align} input pixels" if card.align > 1 else ""),
        ("parameters", f"{card.parameters:,}"),
        ("multiply-adds", f"{card.work:,} per input pixel"),
        ("weights", f"{card.weights} (verified)"),
        ("sha256", card.sha256),
        ("licence", card.licence),
        ("paper", card.paper),
        ("recipe", card.recipe),
        ("training", card.training),
        *(("trained on" if index == 0 else "", item) for index, item in enumerate(card.training_data)),
        *(
            ("scores" if index == 0 else "", f"{name}{f' ×{scale}' * many}: {score.psnr:.2f} dB, SSIM {score.ssim:.4f}")
            for index, (scale, name, score) in enumerate(scores)
        ),
    ]
    for title, text in rows:
        if text:
            print(f"{title:<14}{text}")
