"""Planning: from a picture's size and a wish to passes, tiles, memory and time. Pure arithmetic, no pixels."""

from subpixel.plan.passes import Pass, PassModel, Plan, choose_scales, make_plan
from subpixel.plan.target import DEFAULT_FACTOR, MAX_FACTOR, Target, parse_size
from subpixel.plan.tiles import DEFAULT_TILE, Span, TileGrid, spans, tile_grid

__all__ = [
    "DEFAULT_FACTOR",
    "DEFAULT_TILE",
    "MAX_FACTOR",
    "Pass",
    "PassModel",
    "Plan",
    "Span",
    "Target",
    "TileGrid",
    "choose_scales",
    "make_plan",
    "parse_size",
    "spans",
    "tile_grid",
]
