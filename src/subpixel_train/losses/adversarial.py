"""Adversarial losses: what the discriminator and the generator each lower.

All take scores (logits) of any shape, computed in float32, and give a scalar. The discriminator's losses are the mean
of its two halves, over real and over generated pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from torch import Tensor
from torch.nn.functional import softplus


@dataclass(frozen=True, slots=True)
class AdversarialLoss:
    """A pair of losses.

    Attributes:
        generator: (scores of generated pictures, scores of real ones) → scalar.
        discriminator: (scores of generated pictures, scores of real ones, smooth) → scalar. With smooth above 0, real
            pictures are asked for 1 − smooth (one-sided label smoothing, Salimans et al., NeurIPS 2016).
        uses_real: whether the generator's loss looks at the scores of real pictures.
    """

    generator: Callable[[Tensor, Tensor], Tensor]
    discriminator: Callable[[Tensor, Tensor, float], Tensor]
    uses_real: bool = False


def _bce(scores: Tensor, label: float) -> Tensor:
    """Mean binary cross-entropy of sigmoid(scores) against a label: −l·log σ(s) − (1 − l)·log(1 − σ(s))."""
    return (softplus(scores) - label * scores).mean()


def bce_generator(generated: Tensor, real: Tensor) -> Tensor:
    """−log D(G(x)): the form of Goodfellow et al. that keeps its gradient, as in SRGAN (equation 6) and ISR."""
    return _bce(generated.float(), 1.0)


def bce_discriminator(generated: Tensor, real: Tensor, smooth: float = 0.0) -> Tensor:
    """½ (−log D(y) − log(1 − D(G(x)))); log 2 where it cannot tell."""
    return 0.5 * (_bce(real.float(), 1.0 - smooth) + _bce(generated.float(), 0.0))


def relativistic_generator(generated: Tensor, real: Tensor) -> Tensor:
    """Generated pictures shall look more real than the average real one, and the reverse: ESRGAN, equation 2.

    https://arxiv.org/abs/1809.00219; the mean of its two terms.
    """
    f, r = generated.float(), real.float()
    return 0.5 * (_bce(r - f.mean(), 0.0) + _bce(f - r.mean(), 1.0))


def relativistic_discriminator(generated: Tensor, real: Tensor, smooth: float = 0.0) -> Tensor:
    """Real pictures shall score above the average generated one, generated below the average real: ESRGAN, equation 1.

    The mean of its two terms; log 2 where it cannot tell. Averages are those of the process's own batch.
    """
    f, r = generated.float(), real.float()
    return 0.5 * (_bce(r - f.mean(), 1.0 - smooth) + _bce(f - r.mean(), 0.0))


def least_squares_generator(generated: Tensor, real: Tensor) -> Tensor:
    """½ (D(G(x)) − 1)²: LSGAN, Mao et al., ICCV 2017, https://arxiv.org/abs/1611.04076, equation 9."""
    return 0.5 * (generated.float() - 1).square().mean()


def least_squares_discriminator(generated: Tensor, real: Tensor, smooth: float = 0.0) -> Tensor:
    """½ (D(y) − 1)² + ½ D(G(x))²: LSGAN, equation 9; ¼ where every score is ½."""
    return 0.5 * ((real.float() - (1 - smooth)).square().mean() + generated.float().square().mean())


ADVERSARIAL: Final[dict[str, AdversarialLoss]] = {
    "bce": AdversarialLoss(bce_generator, bce_discriminator),
    "relativistic": AdversarialLoss(relativistic_generator, relativistic_discriminator, uses_real=True),
    "least-squares": AdversarialLoss(least_squares_generator, least_squares_discriminator),
}
"""Every adversarial loss by its name in recipes."""
