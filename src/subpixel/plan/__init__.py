"""Planning: from a picture's size and a wish to passes, tiles, memory and time. Pure arithmetic, no pixels."""

from subpixel.plan.passes import Pass, PassModel, Plan, choose_scales, make_plan, make_plans
from subpixel.plan.target import DEFAULT_FACTOR, MAX_FACTOR, Target, parse_factors, parse_size, targets_of
from subpixel.plan.tiles import Span, TileGrid, TileLimits, align_up, balanced_grid, spans, tile_limits

__all__ = [
    "DEFAULT_FACTOR",
    "MAX_FACTOR",
    "Pass",
    "PassModel",
    "Plan",
    "Span",
    "Target",
    "TileGrid",
    "TileLimits",
    "align_up",
    "balanced_grid",
    "choose_scales",
    "make_plan",
    "make_plans",
    "parse_factors",
    "parse_size",
    "spans",
    "targets_of",
    "tile_limits",
]
