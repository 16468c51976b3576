"""A part of the corpus; `python -m tests.hostile.run` takes all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hostile.corpus import corpus
from tests.hostile.run import examine


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured by Unix's ways")
def test_hostile_files_stop_nobody(tmp_path: Path) -> None:
    found = examine(tmp_path, every=40, longest=60)  # other tests run beside it, on slower computers too
    assert found.wrong == []
    assert found.files > 200
    assert len(found.failed) > 50
    assert len(found.made) > 50


def test_the_corpus_is_large_and_always_the_same() -> None:
    from hashlib import sha256

    names = [name for name, _ in corpus()]
    assert len(names) == len(set(names)) >= 5000
    first = sha256()
    for _, (name, data) in zip(range(400), corpus(), strict=False):
        first.update(name.encode() + data)
    again = sha256()
    for _, (name, data) in zip(range(400), corpus(), strict=False):
        again.update(name.encode() + data)
    assert first.digest() == again.digest()
