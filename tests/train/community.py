"""Small networks of the community's architectures with random weights, and their files under the published names."""

from __future__ import annotations

import importlib
import re
from typing import Any

import torch
from torch import nn

from subpixel_train.convert import community

_SWIN: dict[str, Any] = {
    "img_size": 16,
    "embed_dim": 12,
    "depths": (2,),
    "num_heads": (2,),
    "window_size": 8,
    "mlp_ratio": 2.0,
    "upscale": 2,
    "upsampler": "pixelshuffle",
}
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "ESRGAN": ("ESRGAN", {"num_filters": 8, "num_blocks": 1, "scale": 4}),
    "Compact": ("Compact", {"num_feat": 16, "num_conv": 3, "upscale": 2}),
    "SPAN": ("SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 12, "upscale": 2}),
    "SwinIR": ("SwinIR", _SWIN),
    "HAT": ("HAT", {**_SWIN, "compress_ratio": 3, "squeeze_factor": 6, "num_feat": 16}),
    "PLKSR": ("PLKSR", {"dim": 16, "n_blocks": 1, "upscaling_factor": 2}),
    "OmniSR": ("OmniSR", {"num_feat": 16, "up_scale": 2}),
    "SAFMN": ("SAFMN", {"dim": 12, "n_blocks": 1, "upscaling_factor": 2}),
}
"""Architecture → its class, the arguments of a small form."""


def build(name: str, **changes: Any) -> nn.Module:
    """A network with weights drawn from a fixed seed."""
    kind, form = FORMS[name]
    community.architectures()  # imports spandrel, without torchvision
    torch.manual_seed(7)
    module = importlib.import_module(f"spandrel.architectures.{kind}")
    network: nn.Module = getattr(module, kind)(**{**form, **changes})
    with torch.no_grad():
        for parameter_name, parameter in network.named_parameters():
            if parameter.ndim > 1 and name in ("SwinIR", "HAT"):
                parameter.mul_(3.0)  # they begin so small that nothing would reach far
            if parameter_name.endswith(("conv_last.bias", "to_feat.bias")):
                parameter.fill_(0.5)
    return network.eval()


def renamed(weights: dict[str, torch.Tensor], style: str) -> dict[str, torch.Tensor]:
    """ESRGAN's weights under the names of Real-ESRGAN (``"new"``) or BSRGAN (``"bsrgan"``), from the original."""
    new = style == "new"
    names = {
        "model.0": "conv_first",
        "model.3": "conv_up1" if new else "upconv1",
        "model.6": "conv_up2" if new else "upconv2",
        "model.8": "conv_hr" if new else "HRconv",
        "model.10": "conv_last",
    }
    made = {}
    for name, value in weights.items():
        stem, _, kind = name.rpartition(".")
        block = re.fullmatch(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0", stem)
        if block:
            i, j, k = block.groups()
            stem = f"body.{i}.rdb{j}.conv{k}" if new else f"RRDB_trunk.{i}.RDB{j}.conv{k}"
        elif stem.startswith("model.1.sub."):
            stem = "conv_body" if new else "trunk_conv"
        else:
            stem = names[stem]
        made[f"{stem}.{kind}"] = value
    return made
