"""Pretrained weights that can be fetched. Sizes and digests: torchvision's file names, and what projects publish."""

from __future__ import annotations

from typing import Final

from subpixel.errors import SettingError
from subpixel_train.fetch.entries import Digest, Download, Weights

_PYTORCH: Final = "https://download.pytorch.org/models"
_TORCHVISION: Final = "BSD 3-clause; trained on ImageNet"

WEIGHTS: Final[tuple[Weights, ...]] = (
    Weights(
        "vgg19",
        "VGG19",
        Download(
            "vgg19-dcbb9e9d.pth",
            (f"{_PYTORCH}/vgg19-dcbb9e9d.pth",),
            574_673_361,
            Digest("sha256", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),
        ),
        _TORCHVISION,
    ),
    Weights(
        "efficientnet-b4",
        "EfficientNet-B4 (timm)",
        Download(
            "efficientnet_b4.ra2_in1k.safetensors",
            ("https://huggingface.co/timm/efficientnet_b4.ra2_in1k/resolve/main/model.safetensors",),
            77_933_206,
            Digest("sha256", "8030f9c929ed71a06728db4b61323960e573b463e68f310bd1bfb31ed62cbf91"),
        ),
        "Apache-2.0; trained on ImageNet",
        also=("efficientnet_b4_ra2_320-7eb33cd5.pth",),
    ),
    Weights(
        "efficientnet-b4-torchvision",
        "EfficientNet-B4 (torchvision)",
        Download(
            "efficientnet_b4_rwightman-23ab8bcd.pth",
            (f"{_PYTORCH}/efficientnet_b4_rwightman-23ab8bcd.pth",),
            None,
            Digest("sha256", "23ab8bcd5bdbef61a7a43b91adcad81f622fd7f36fb4935a569828d77888c44e"),
        ),
        _TORCHVISION,
        also=("efficientnet_b4_rwightman-7eb33cd5.pth",),
    ),
    Weights(
        "squeezenet",
        "SqueezeNet 1.0",
        Download(
            "squeezenet1_0-b66bff10.pth",
            (f"{_PYTORCH}/squeezenet1_0-b66bff10.pth",),
            None,
            Digest("sha256-start", "b66bff10"),
        ),
        _TORCHVISION,
        also=("squeezenet_v1.0_fp16.safetensors", "squeezenet1_0-a815701f.pth"),
    ),
)


def weights_entry(name: str) -> Weights:
    """The entry of that name."""
    for entry in WEIGHTS:
        if entry.name == name:
            return entry
    raise SettingError(f"there are no weights named {name!r}", f"there are {', '.join(w.name for w in WEIGHTS)}")
