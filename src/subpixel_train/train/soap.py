"""SOAP: Adam in the slowly turning basis of Shampoo's preconditioner.

Neighbouring pixels are nearly equal, so the gradients of a convolution's weights are strongly correlated, and Adam,
which scales each weight by itself, goes slowly along most directions. SOAP keeps running means of G·Gᵀ and Gᵀ·G for
every weight matrix G, and runs Adam in their eigenbasis, where the correlations are gone.

Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam", ICLR 2025, https://arxiv.org/abs/2409.11321.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Soap(torch.optim.Optimizer):
    """SOAP for small networks; vectors (biases) are trained by plain Adam.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: decay of the first and second moment; the second also for the preconditioner.
        eps: added to the root of the second moment.
        every: steps between turns of the basis.
        largest: a side of a weight matrix that is longer gets no basis: turning it would cost more than it brings (the
            paper's `max_precond_dim`).
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        every: int = 10,
        largest: int = 1200,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "every": every, "largest": largest})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        slow, fast = group["betas"]
        assert weight.grad is not None
        gradient = weight.grad.reshape(weight.shape[0], -1) if weight.ndim > 1 else weight.grad
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["mean"] = torch.zeros_like(gradient)
            state["square"] = torch.zeros_like(gradient)
            if weight.ndim > 1:
                for side, rows in (("left", gradient), ("right", gradient.T)):
                    if rows.shape[0] <= group["largest"]:
                        state[side] = rows @ rows.T
                        state[f"{side}_basis"] = _basis(state[side])
                return  # the first gradient only finds the basis
        state["step"] += 1
        count = int(state["step"])
        state["mean"].lerp_(gradient, 1 - slow)
        turned, mean = (self._turn(state, m) if weight.ndim > 1 else m for m in (gradient, state["mean"]))
        state["square"].lerp_(turned.square(), 1 - fast)
        root = (state["square"] / (1 - fast**count)).sqrt_().add_(group["eps"])
        change = mean / (1 - slow**count) / root
        if "left" in state:
            change = state["left_basis"] @ change
        if "right" in state:
            change = change @ state["right_basis"].T
        weight.sub_(change.reshape(weight.shape), alpha=group["lr"])
        if weight.ndim > 1:
            for side, rows in (("left", gradient), ("right", gradient.T)):
                if side in state:
                    state[side].lerp_(rows @ rows.T, 1 - fast)
            if count % group["every"] == 0:
                self._refresh(state)

    @staticmethod
    def _turn(state: dict[str, Tensor], matrix: Tensor) -> Tensor:
        if "left" in state:
            matrix = state["left_basis"].T @ matrix
        return matrix @ state["right_basis"] if "right" in state else matrix

    @staticmethod
    def _refresh(state: dict[str, Tensor]) -> None:
        """One step of subspace iteration for both bases; the second moment follows the order of the directions."""
        for side, dim in (("left", 0), ("right", 1)):
            if side not in state:
                continue
            basis, matrix = state[f"{side}_basis"], state[side]
            moved = matrix @ basis
            order = (basis * moved).sum(0).argsort(descending=True)
            state["square"].copy_(state["square"].index_select(dim, order))
            state[f"{side}_basis"].copy_(torch.linalg.qr(moved[:, order])[0])


def _basis(matrix: Tensor) -> Tensor:
    """Eigenvectors of a symmetric matrix as columns, the largest eigenvalue first."""
    # Products of gradients far below 1 reach the end of float32, where solvers fail, with or without a word.
    largest = matrix.abs().max()
    if not largest > 0:  # no gradient yet, as of a trunk under a last layer of zeros: any basis will do
        return torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    try:
        vectors: Tensor = torch.linalg.eigh(matrix / largest)[1]
        good = bool(vectors.isfinite().all())
    except RuntimeError:  # LinAlgError is one
        good = False
    if not good:
        vectors = torch.linalg.eigh((matrix / largest).double())[1].to(matrix.dtype)
    return vectors.flip(1).contiguous()
