"""Values that cannot be right, said as a person would: for the server's problems and the client's errors alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def what_is_wrong(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """What pydantic says of values that do not fit their model, for people.

    Returns:
        The problem's slug, what is wrong with the value, what would be right.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        why = str(first.get("ctx", {}).get("error", "it ends too early"))
        return "malformed", f"the body is no JSON: {why}", 'send an object, as {"width": 1000, "height": 800}'
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
    given = first.get("input")
    shown = repr(given)[:80] if isinstance(given, str | int | float) else ""
    said = str(first["msg"]).removeprefix("Value error, ")
    slug = {"scale": "factor", "format": "unknown-format"}.get(where, "setting")
    if first["type"] == "value_error" and ": " in said:
        detail, _, right = said.partition(": ")
        return slug, detail, right
    detail = f"{where or 'the request'} is {shown}" if shown else f"{where or 'the request'} cannot be read"
    if first["type"] == "missing":
        detail = f"{where} is missing"
    elif first["type"] == "extra_forbidden":
        return slug, f"there is no setting {where}", "see /docs for those there are"
    right = {"scale": "give a factor above 0 and up to 16, as 2.5", "size": "give width x height, as 1920x1080"}.get(
        where, said[:1].lower() + said[1:]
    )
    return slug, detail, right
