"""Distillation: a small network learns from what a larger one makes of the same input, besides the photographs.

The teacher's result is a picture that a network can make, without the noise and the detail that none could foresee.
Hinton et al., 2015, https://arxiv.org/abs/1503.02531; for super-resolution He et al., "FAKD", ICIP 2020.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from subpixel.errors import TrainingError
from subpixel_train import recipe as recipes
from subpixel_train.losses import LOSSES, DistillSettings
from subpixel_train.networks import Network, build
from subpixel_train.train import state


class Distillation(nn.Module):
    """The distance of a network's results to those of its teacher. The teacher never learns.

    Args:
        settings: from the recipe.
        student: the network that learns: it has to take small pictures, of the teacher's channels, and share a scale.

    Raises:
        TrainingError: no teacher there, or one that does not fit the student.
    """

    def __init__(self, settings: DistillSettings, student: Network) -> None:
        super().__init__()
        self.settings = settings
        self._loss = LOSSES[settings.loss]
        teacher = load_trained(settings.model)
        if student.input != "small":
            raise TrainingError(
                f"{student.name} works on enlarged pictures", "only networks on small pictures can be distilled into"
            )
        if teacher.channels != student.channels:
            kinds = {1: "luma", 3: "RGB"}
            raise TrainingError(
                f"the teacher {settings.model} works on {kinds[teacher.channels]}, {student.name} on "
                f"{kinds[student.channels]}",
                "both must take the same pictures",
            )
        self.scales = tuple(scale for scale in student.scales if scale in teacher.scales)
        if not self.scales:
            raise TrainingError(
                f"the teacher {settings.model} enlarges {_times(teacher)}, {student.name} {_times(student)}",
                "give a teacher of the same scale",
            )
        self._places = tuple((student.scales.index(s), teacher.scales.index(s)) for s in self.scales)
        self.teacher = teacher.requires_grad_(False).eval()

    @property
    def weight(self) -> float:
        """Weight of the distance in the network's loss."""
        return self.settings.weight

    def train(self, mode: bool = True) -> Distillation:
        """Stays as it is: the teacher never learns."""
        return super().train(False)

    def forward(self, small: Tensor, results: tuple[Tensor, ...]) -> Tensor:
        """Mean distance over the scales that both have, not weighted.

        Args:
            small: (N, C, h, w), 0–1; what the student was given.
            results: (N, C, Hₖ, Wₖ), 0–1, one per scale of the student; without padding they may lack a border.

        Returns:
            A scalar in float32.
        """
        with torch.no_grad():
            wanted = self.teacher.upscale(small)
        with torch.autocast(small.device.type, enabled=False):
            terms = [
                self._loss(results[own].float(), _inside(wanted[other].float(), results[own]))
                for own, other in self._places
            ]
            return torch.stack(terms).mean()


def load_trained(source: str) -> Network:
    """A trained network as it would be used, on the CPU; random numbers of the caller are not touched.

    Args:
        source: folder of a training, or a weights file in it or with its network's name inside.

    Raises:
        TrainingError: nothing there, or weights of no network that is known.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise TrainingError(f"there is no {source}", "give the folder of a training, or its weights.safetensors")
    weights, about = state.load_weights(path)
    folder = path if path.is_dir() else path.parent
    beside = next((f / state.RECIPE for f in (folder, folder.parent) if (f / state.RECIPE).is_file()), None)
    with torch.random.fork_rng(devices=[]):
        try:
            if beside is not None:
                recipe = recipes.load(str(beside))
                network = build(recipe.network, recipe.scale)
            else:
                network = build(about["network"], int(about["scale"]))
            network.load_state_dict(weights)
        except KeyError:
            raise TrainingError(
                f"{source} does not say of which network its weights are", "keep it beside its recipe.yaml"
            ) from None
        except (ValueError, RuntimeError):
            raise TrainingError(
                f"the weights in {source} are not those of its network", "give another teacher"
            ) from None
    return network.eval()


def _inside(picture: Tensor, like: Tensor) -> Tensor:
    """The middle of a picture, as large as `like`."""
    top, left = ((own - other) // 2 for own, other in zip(picture.shape[-2:], like.shape[-2:], strict=True))
    return picture[..., top : top + like.shape[-2], left : left + like.shape[-1]]


def _times(network: Network) -> str:
    return " and ".join(f"×{scale}" for scale in network.scales)
