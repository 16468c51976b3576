"""The documentation tells the truth: generated pages are fresh, links lead somewhere, commands and code run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="runs in a checkout of the project")

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(path for folder in ("docs", "benchmarks", "examples") for path in ROOT.glob(f"{folder}/**/*.md")),
]
RUNNABLE = [
    README,
    *(DOCS / "how-to" / f"{page}.md" for page in ("python", "own-model", "quality-and-time", "squeezed-pictures")),
]
"""Pages whose Python blocks run."""
FIRST = "pip install -c constraints.txt . && subpixel upscale examples/scene.png"
SECOND = (
    "pip install -c constraints.txt -e '.[train,convert,dev]'"
    " && pip install --no-deps -c constraints.txt spandrel && pytest -n auto"
)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[tuple[int, str]]:
    """Fenced blocks of a language: line of the fence, text."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, match.start()) + 1, match[1]) for match in found]


def prose(path: Path) -> str:
    """A page without its fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def test_readme_opens_with_a_picture_and_two_commands() -> None:
    text = README.read_text(encoding="utf-8")
    opening = text.partition("\n## ")[0]
    assert re.match(r"# subpixel\n\n!\[[^\]]+\]\(docs/images/before-after\.png\)\n", opening)
    assert re.findall(r"^```(\w*)\n(.*?)^```$", opening, re.DOTALL | re.MULTILINE) == [
        ("sh", f"{FIRST}\n"),
        ("sh", f"{SECOND}\n"),
    ]
    marked = text.partition("<!-- test command -->\n")[2]
    assert marked.startswith(f"```sh\n{SECOND}\n```"), "the gate runs the block below the marker"


def test_what_the_two_commands_need_is_there() -> None:
    assert (ROOT / "constraints.txt").is_file()
    assert (ROOT / "examples" / "scene.png").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"train", "convert", "dev"} <= project["optional-dependencies"].keys()


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_fresh() -> None:
    tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for part in ("typer", "rich"):
        if f"{part}=={metadata.version(part)}" not in tested:
            pytest.skip(f"help is shown as the tested version of {part} draws it")
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun: python docs/generate.py"


def test_a_stale_page_is_noticed() -> None:
    made = generator()
    assert made.between(f"a\n{made.BEGIN}\nold\n{made.END}\nb\n", "new") == f"a\n{made.BEGIN}\nnew\n{made.END}\nb\n"


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        text = prose(page)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:", target):
                yield page, target


@pytest.mark.parametrize(
    ("page", "target"), list(links()), ids=lambda part: name(part) if isinstance(part, Path) else part
)
def test_links_lead_somewhere(page: Path, target: str) -> None:
    where, _, anchor = target.partition("#")
    path = (page.parent / where).resolve() if where else page
    assert path.exists(), f"{name(page)} points at {where}, which is not there"
    assert path.is_relative_to(ROOT), "links stay in the project"
    if anchor:
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
        assert anchor in slugs


def copy_examples(into: Path) -> None:
    """The examples as they are in the project, without results that someone has put beside them."""
    shutil.copytree(ROOT / "examples", into / "examples", ignore=shutil.ignore_patterns("*-x[0-9]*", "__pycache__"))


@pytest.mark.parametrize(
    ("page", "line", "code"),
    [
        pytest.param(page, line, code, id=f"{name(page)}:{line}")
        for page in RUNNABLE
        for line, code in blocks(page, "python")
    ],
)
def test_python_runs(page: Path, line: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("PIL", "onnx"):
        if re.search(rf"^(from|import) {needed}\b", code, re.MULTILINE):
            pytest.importorskip(needed, reason="an optional package")
    copy_examples(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    exec(compile("\n" * line + code, str(page), "exec"), {"__name__": "__main__"})


def commands(page: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines of a page's shell blocks that call subpixel, as words without redirections and comments."""
    for start, text in blocks(page, "sh"):
        for offset, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):  # a line may go on in the next
            for part in re.split(r"&&|\|", line):
                words = shlex.split(part.partition(" > ")[0], comments=True)
                if words[:1] == ["subpixel"]:
                    yield start + offset, words[1:]


@pytest.mark.parametrize(
    ("page", "words"),
    [pytest.param(page, words, id=f"{name(page)}:{line}") for page in PAGES for line, words in commands(page)],
)
def test_commands_parse(page: Path, words: list[str]) -> None:
    """Every command in the documentation has options and values that exist."""
    import typer.main

    from subpixel.cli.main import app

    group = typer.main.get_command(app)
    command = group.get_command(None, words[0])  # type: ignore[attr-defined]
    assert command is not None, f"there is no command {words[0]}"
    while (inner := getattr(command, "commands", None)) and words[1:]:
        assert words[1] in inner, f"subpixel {words[0]} has no command {words[1]}"
        command, words = inner[words[1]], words[1:]
    command.make_context(words[0], words[1:])


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Every command of the first tutorial, in order."""
    from subpixel.cli.main import invoke

    copy_examples(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = ""
    for line, words in commands(DOCS / "tutorial" / "first-pictures.md"):
        code = invoke(words)
        out, err = capfd.readouterr()
        assert code == 0, f"line {line}: {err}"
        said += out
    for result in (
        "examples/scene-x4.png",
        "scene-large.png",
        "screen.webp",
        "logo.jpg",
        "large/scene.png",
        "sheet.png",
    ):
        assert (tmp_path / result).is_file()
    for _, shown in blocks(DOCS / "tutorial" / "first-pictures.md", "text"):
        for row in shown.splitlines():
            # These depend on the computer and on which models there are.
            if not re.search(r"pass|engine|memory|time|→ \S+  \d", row):
                assert row in said


def test_the_first_recipe_is_one() -> None:
    pytest.importorskip("pydantic", reason="training is not installed")
    yaml = pytest.importorskip("yaml", reason="training is not installed")
    from subpixel_train import recipe

    page = DOCS / "tutorial" / "first-training.md"
    ((_, text),) = blocks(page, "yaml")
    made = recipe.parse(text, page.name, [])
    assert f"{yaml.safe_load(text)['name']}.onnx" in page.read_text(encoding="utf-8")
    assert made.data.folders == ["photos"]


def test_every_field_of_a_card_is_explained() -> None:
    from subpixel.zoo import Card

    text = (DOCS / "how-to" / "own-model.md").read_text(encoding="utf-8")
    for field in fields(Card):
        assert re.search(rf"^{field.name} +=|`{field.name}`|\[{field.name}\.", text, re.MULTILINE), field.name


def test_every_page_is_on_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for path in DOCS.glob("*/*.md"):
        assert f"]({path.relative_to(DOCS).as_posix()})" in index, path
