"""Pages that are made from the code, so that they cannot tell anything else than the code does.

    python docs/generate.py            write them
    python docs/generate.py --check    write nothing; fail where a page is not what would be written

Made whole: reference/command-line.md from `subpixel … --help`, reference/errors.md from `subpixel.errors`,
reference/models.md from the model cards, reference/recipes.md from the settings of recipes. Made between two markers:
the table of models in README.md.
"""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer.main

from subpixel import errors, zoo
from subpixel.cli.main import app
from subpixel.errors import SubpixelError
from subpixel.measure.sets import BENCHMARKS
from subpixel_train.reference import page as recipe_page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
WIDTH = 100
MADE = "<!-- Made by docs/generate.py: change the code, then run it. -->"
BEGIN, END = "<!-- models:begin -->", "<!-- models:end -->"
NOTHING = "–"
SQUEEZED = {*filter(zoo.restores, zoo.model_names()), "rdn-noise-cancel-x2"}
"""Models trained on squeezed pictures."""
SETS = tuple(benchmark.name for benchmark in BENCHMARKS)


def main() -> None:
    """Write every page, or tell which are stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a page is stale")
    check = parser.parse_args().check
    stale = []
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(("stale: " if check else "wrote ") + ", ".join(stale))
    sys.exit(1 if check and stale else 0)


def pages() -> dict[Path, str]:
    """Every page and its text."""
    readme = ROOT / "README.md"
    return {
        DOCS / "reference" / "command-line.md": command_line(),
        DOCS / "reference" / "errors.md": error_page(),
        DOCS / "reference" / "models.md": model_page(),
        DOCS / "reference" / "recipes.md": recipe_page(MADE),
        readme: between(readme.read_text(encoding="utf-8"), score_table(short=True)),
    }


def between(text: str, made: str) -> str:
    """`text` with what stands between the markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def command_line() -> str:
    """The help of every command as it is printed."""
    named = [f"subpixel {' '.join(words)}" for words in command_words()]
    lines = [
        "# Command line",
        "",
        MADE,
        "",
        "Every command answers `--help` with what stands here. `python -m subpixel_train train …` and `… export …` are",
        "the same commands as `subpixel train` and `subpixel export`; both need the extra `train`.",
        "",
        "- [subpixel](#subpixel)",
        *(f"- [{name}](#{name.replace(' ', '-')})" for name in named),
        "",
        "Exit codes are explained in [errors](errors.md), the formats that are read and written in",
        "[formats](formats.md).",
    ]
    for words in ((), *command_words()):
        lines += ["", f"## {' '.join(('subpixel', *words))}", "", "```text", help_text(words), "```"]
    return "\n".join(lines) + "\n"


def command_words() -> list[tuple[str, ...]]:
    """The words of every command; those of a command that has commands of its own follow it."""
    group: Any = typer.main.get_command(app)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(None):
        found.append((name,))
        found += [(name, inner) for inner in getattr(group.get_command(None, name), "commands", ())]
    return found


def help_text(words: Iterable[str]) -> str:
    """What a command prints for `--help`, on a terminal 100 characters wide without colours."""
    forcing = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "TTY_COMPATIBLE")
    plain = {key: value for key, value in os.environ.items() if key not in forcing}
    plain |= {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    program = "import sys; from subpixel.cli.main import invoke; sys.exit(invoke(sys.argv[1:]))"
    words = [sys.executable, "-c", program, *words, "--help"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", env=plain, check=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines()).strip("\n")


def error_page() -> str:
    """The classes of errors, their codes and what they mean."""
    rows = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        rows.append((kind.exit_code, len(kind.__mro__), name, (inspect.getdoc(kind) or "").partition("\n")[0]))
    tree = (errors.__doc__ or "").partition("\n\n")[2].rstrip()
    lines = [
        "# Errors and exit codes",
        "",
        MADE,
        "",
        "Whatever a person can meet is one line: what is wrong, with its value, then what would be right. On the",
        "command line it goes to standard error and the code below is returned; there is no traceback. In Python it",
        "is an exception from `subpixel.errors`, with the same line as `str(error)` and its two halves as `error.what`",
        "and `error.hint`. Anything else that is raised is a defect: please report it.",
        "",
        "## Exit codes",
        "",
        "| code | meaning |",
        "|---:|---|",
        "| 0 | everything was done |",
        "| 1 | some of several pictures failed, the others are done; or the system failed, as when memory is full |",
        *(f"| {code} | {meaning} |" for code, meaning in codes()),
        "| 130 | stopped by Ctrl-C or a termination signal; no half-written file is left |",
        "",
        "Options that do not exist or have no value give 2 as well. With `--json` a picture that failed is a line",
        '`{"input": …, "error": …, "hint": …}` on standard output, in its place among the others.',
        "",
        "## Classes",
        "",
        "```text",
        tree,
        "```",
        "",
        "| class | exit code | when |",
        "|---|---:|---|",
        *(f"| `{name}` | {code} | {says} |" for code, _, name, says in sorted(rows)),
    ]
    return "\n".join(lines) + "\n"


def codes() -> list[tuple[int, str]]:
    """Exit codes of the direct children of SubpixelError."""
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and SubpixelError in kind.__bases__]
    found = [(kind.exit_code, (inspect.getdoc(kind) or "").rstrip(".")) for kind in kinds]
    return [(code, text[0].lower() + text[1:]) for code, text in sorted(found)]


def results() -> list[tuple[int, zoo.Card]]:
    """Every factor of every shipped model with its card, by factor, then as good as they are."""
    found = [(scale, zoo.card(name)) for name in zoo.model_names() for scale in zoo.card(name).scales]
    return sorted(found, key=lambda row: (row[0], psnr(*row, SETS[0]), row[1].parameters))


def psnr(scale: int, card: zoo.Card, name: str) -> float:
    """PSNR on a set, 0 where it was not measured."""
    scores = card.scores_for(scale)
    return scores[name].psnr if name in scores else 0.0


def is_default(scale: int, card: zoo.Card) -> bool:
    """True for the model that is used when none is named."""
    return zoo.default_models().get(scale) == card.name


def score_table(*, short: bool = False) -> str:
    """Quality of every model on every set, as a Markdown table; the best of each factor is bold.

    Args:
        short: leave out what is trained on squeezed pictures, for these are clean, and what scores below bicubic on the
            first set, as networks trained for study do.
    """
    lines = [
        f"| | model | parameters | {' | '.join(SETS)} |",
        f"|---|---|---:|{'---:|' * len(SETS)}",
    ]
    floors = {scale: psnr(scale, card, SETS[0]) for scale, card in results() if card.family == "bicubic"}
    for scale, card in results():
        if short and (card.name in SQUEEZED or psnr(scale, card, SETS[0]) < floors.get(scale, 0)):
            continue
        rivals = [row for row in results() if row[0] == scale]
        cells = []
        for name in SETS:
            cell = score_cell(scale, card, name)
            best = cell != NOTHING and psnr(scale, card, name) >= max(psnr(*row, name) for row in rivals)
            cells.append(f"**{cell}**" if best else cell)
        name = f"`{card.name}`" + (" (default)" if is_default(scale, card) else "")
        parameters = f"{card.parameters:,}" if card.parameters else "–"
        lines.append(f"| ×{scale} | {name} | {parameters} | {' | '.join(cells)} |")
    return "\n".join(lines)


def score_cell(scale: int, card: zoo.Card, name: str) -> str:
    """PSNR / SSIM of a card's factor on a set."""
    score = card.scores_for(scale).get(name)
    return f"{score.psnr:.2f} / {score.ssim:.4f}" if score else NOTHING


def model_page() -> str:
    """The models that ship: a table to compare them, then the card of each."""
    lines = [
        "# Models",
        "",
        MADE,
        "",
        "These ship in the package and work offline. `subpixel models` prints the table, `subpixel models show NAME`",
        "one card. Which to take: [choose a model](../how-to/choose-a-model.md). To use a network of your own in the",
        "same way: [your own model](../how-to/own-model.md).",
        "",
        "## Quality",
        "",
        "PSNR in dB / SSIM, both on Y of BT.601 after rounding to 8 bits, as many pixels cut from each border as the",
        "factor says, from the sets' published small pictures ([the protocol](measure.md)), in int8 where the model",
        "has it, else in fp32. Higher is better. Measured by `subpixel evaluate --data FOLDER`, int8 with `--precision",
        "int8`; FOLDER holds the benchmark sets. How they learnt, beside the papers' figures:",
        "[learning curves](../explanation/learning-curves/README.md).",
        "",
        score_table(),
        "",
        "## Cards",
    ]
    for name in dict.fromkeys(card.name for _, card in results()):
        card = zoo.card(name)
        lines += ["", f"### {card.name}", "", card.summary, "", *card_lines(card)]
    return "\n".join(lines) + "\n"


def card_lines(card: zoo.Card) -> list[str]:
    """Facts of one card as a list."""
    sees = {"y": "luma (Y of BT.601); Cb and Cr are enlarged by bicubic", "rgb": "RGB"}[card.colour]
    factors = " and ".join(f"×{scale}" for scale in card.scales)
    several = ", both from one pass" if len(card.scales) == 2 else ", all from one pass" * (len(card.scales) > 2)
    default = ", used when no model is named" * any(is_default(scale, card) for scale in card.scales)
    lines = [f"- factor {factors}{several}, family `{card.family}`{default}"]
    lines.append(f"- sees {sees}; {card.value_range[0]:g} to {card.value_range[1]:g}")
    if card.parameters:
        lines.append(f"- {card.parameters:,} trained parameters, {card.work:,} multiply-adds per input pixel")
    else:
        lines.append(f"- nothing trained; {card.work:,} multiply-adds per input pixel")
    lines.append(f"- halo {card.halo} input pixels: how far away a pixel can change a result")
    if card.align > 1:
        lines.append(f"- strides inside: tiles start at multiples of {card.align} input pixels")
    if card.paper:
        lines.append(f"- described in <{card.paper}>")
    if card.recipe:
        lines.append(f"- trained by the recipe `{card.recipe}`: `subpixel train {card.recipe}`")
    if card.training:
        lines.append(f"- training: {card.training}")
    if card.training_data:
        lines.append(f"- trained on: {'; '.join(card.training_data)}")
    lines.append(f"- {card.licence}; {card.weights}, sha256 `{card.sha256}`")
    return lines


if __name__ == "__main__":
    main()
