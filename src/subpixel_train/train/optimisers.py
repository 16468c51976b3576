"""Optimisers made from a recipe: the four kinds, and a learning rate per layer or per part of the network."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from subpixel.errors import TrainingError
from subpixel_train.train.optimiser_settings import DEFAULT, OptimiserSettings
from subpixel_train.train.soap import Soap


def make_optimiser(network: nn.Module, settings: OptimiserSettings) -> torch.optim.Optimizer:
    """The optimiser of a recipe for a network. Parts whose rate is 0 are frozen: they no longer ask for gradients.

    Each parameter group keeps its learning rate at the start as `start`; the loop sets ``lr = start · share``.

    Raises:
        TrainingError: rates that do not fit the network.
    """
    groups = parameter_groups(network, settings)
    trained = {id(parameter) for group in groups for parameter in group["params"]}
    for parameter in network.parameters():
        if id(parameter) not in trained:
            parameter.requires_grad_(False)
    match settings.kind:
        case "adam":
            return torch.optim.Adam(groups, betas=settings.betas, eps=settings.epsilon or 1e-8)
        case "adamw":
            return torch.optim.AdamW(groups, betas=settings.betas, eps=settings.epsilon or 1e-8, weight_decay=0.0)
        case "adadelta":
            return torch.optim.Adadelta(groups, rho=settings.rho, eps=settings.epsilon or 1e-7)
        case "soap":
            return Soap(groups, betas=settings.betas, eps=settings.epsilon or 1e-8)


def parameter_groups(network: nn.Module, settings: OptimiserSettings) -> list[dict[str, Any]]:
    """Groups for an optimiser: `params`, `lr` and `start` (the rate at the start), `name`, and AdamW's `weight_decay`.

    Parameters that are frozen already, or whose rate is 0, are in none. With a list of rates there is one group per
    layer, a module with parameters of its own, from input to output. With rates by name, a name stands for the part of
    the network so called and all within it; `*` and `?` match as in file names; the first key that fits holds, and
    `default` stands for all that no key names.

    Raises:
        TrainingError: another number of rates than of layers, a name that fits nothing, or parameters without a rate.
    """
    rate = settings.rate
    if isinstance(rate, dict):
        parts = _by_name(network, rate)
    elif isinstance(rate, list):
        parts = _by_layer(network, rate)
    else:
        parts = [(DEFAULT, rate, _trainable(network))]
    groups = [
        {"params": group, "lr": start, "start": start, "name": name, **decay}
        for name, start, parameters in parts
        if start > 0
        for group, decay in _decayed(parameters, settings)
        if group
    ]
    if not groups:
        raise TrainingError("nothing is left to train", "every part of the network has the rate 0 or is frozen")
    return groups


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _decayed(
    parameters: list[nn.Parameter], settings: OptimiserSettings
) -> list[tuple[list[nn.Parameter], dict[str, float]]]:
    """Parameters with what AdamW shrinks them by: weights of layers, not biases and scales."""
    if settings.kind != "adamw" or settings.decay == 0:
        return [(parameters, {})]
    return [
        ([p for p in parameters if p.ndim > 1], {"weight_decay": settings.decay}),
        ([p for p in parameters if p.ndim <= 1], {"weight_decay": 0.0}),
    ]


def _by_layer(network: nn.Module, rates: list[float]) -> list[tuple[str, float, list[nn.Parameter]]]:
    layers = [
        (name, list(module.parameters(recurse=False)))
        for name, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False))
    ]
    if len(layers) != len(rates):
        called = getattr(network, "name", type(network).__name__)
        raise TrainingError(
            f"optimiser.rate has {len(rates)} values", f"{called} has {len(layers)} layers: give one each, or one"
        )
    return [
        (name, rate, [p for p in parameters if p.requires_grad])
        for (name, parameters), rate in zip(layers, rates, strict=True)
    ]


def _by_name(network: nn.Module, rates: dict[str, float]) -> list[tuple[str, float, list[nn.Parameter]]]:
    names = dict(network.named_parameters())
    held: dict[str, list[nn.Parameter]] = {key: [] for key in rates}
    fitted: set[str] = set()
    for name, parameter in names.items():
        keys = [key for key in rates if key != DEFAULT and _fits(name, key)]
        fitted.update(keys)
        if not keys and DEFAULT not in rates:
            raise TrainingError(
                f"optimiser.rate names no part that {name} belongs to", f"add `{DEFAULT}: 0.001` for all other parts"
            )
        if parameter.requires_grad:
            held[keys[0] if keys else DEFAULT].append(parameter)
    for key in rates:
        if key not in fitted and key != DEFAULT:
            parts = sorted({name.partition(".")[0] for name in names})
            near = difflib.get_close_matches(key, [*parts, DEFAULT], 1, 0.5)
            meant = f"did you mean {near[0]}? " if near else ""
            raise TrainingError(f"optimiser.rate: no part is called {key}", f"{meant}there are {', '.join(parts)}")
    return [(key, rates[key], parameters) for key, parameters in held.items()]


def _fits(name: str, key: str) -> bool:
    """Whether a parameter's name, as ``"features.conv.weight"``, is that of a part or within it."""
    return fnmatchcase(name, key) or fnmatchcase(name, f"{key}.*")
