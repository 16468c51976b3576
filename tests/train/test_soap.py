from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from subpixel_train.train.soap import Soap  # noqa: E402


def descend(optimiser: type[torch.optim.Optimizer], **settings: object) -> float:
    """Loss of a linear fit after 150 steps, its inputs nearly equal as neighbouring pixels are."""
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(4, 30))
    common = torch.randn(400, 1)
    x = common + 0.05 * torch.randn(400, 30)
    target = x @ torch.randn(30, 4)
    made = optimiser([weight], **settings)
    for step in range(150):
        for group in made.param_groups:
            group["lr"] = 0.1 * (1 - step / 150)
        made.zero_grad()
        loss = ((x @ weight.T - target) ** 2).mean()
        loss.backward()
        made.step()
    return float(((x @ weight.detach().T - target) ** 2).mean())


def test_correlated_inputs_are_no_obstacle() -> None:
    assert descend(Soap) < descend(torch.optim.Adam) / 3


def test_bases_stay_orthogonal() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(6, 2, 3, 3))
    optimiser = Soap([weight], every=2)
    for _ in range(20):
        weight.grad = torch.randn_like(weight)
        optimiser.step()
    state = optimiser.state[weight]
    for side, length in (("left", 6), ("right", 18)):
        basis = state[f"{side}_basis"]
        torch.testing.assert_close(basis.T @ basis, torch.eye(length), atol=1e-4, rtol=0)


def test_biases_are_trained_by_adam() -> None:
    gradients = [torch.randn(5) for _ in range(10)]
    results = []
    for made in (
        lambda p: Soap(p, lr=0.1, betas=(0.9, 0.99), eps=1e-8),
        lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.9, 0.99), eps=1e-8),
    ):
        bias = torch.nn.Parameter(torch.zeros(5))
        optimiser = made([bias])
        for gradient in gradients:
            bias.grad = gradient.clone()
            optimiser.step()
        results.append(bias.detach())
    torch.testing.assert_close(*results)


def test_a_solver_that_fails_in_float32_is_asked_again_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = torch.linalg.eigh

    def failing(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values, vectors = solve(matrix)
        return values, vectors if matrix.dtype == torch.float64 else torch.full_like(vectors, float("nan"))

    monkeypatch.setattr(torch.linalg, "eigh", failing)
    weight = torch.nn.Parameter(torch.randn(6, 9))
    optimiser = Soap([weight], lr=0.01)
    for _ in range(3):
        weight.grad = torch.randn(6, 9)
        optimiser.step()
    assert bool(weight.isfinite().all())
    basis = optimiser.state[weight]["right_basis"]
    torch.testing.assert_close(basis.T @ basis, torch.eye(9), atol=1e-5, rtol=0)


def test_a_side_that_is_too_long_gets_no_basis() -> None:
    weight = torch.nn.Parameter(torch.randn(4, 12))
    optimiser = Soap([weight], lr=0.01, largest=8)
    for _ in range(12):
        weight.grad = torch.randn(4, 12)
        optimiser.step()
    assert "left_basis" in optimiser.state[weight] and "right_basis" not in optimiser.state[weight]
    assert bool(weight.isfinite().all())


@pytest.mark.parametrize("size", [0.0, 1e-18, 1e-12])
def test_a_basis_is_found_for_any_gradient(size: float) -> None:
    """Under a last layer of zeros the first gradients of a wide layer are zero, or next to it."""
    gradient = torch.zeros(64, 576)
    gradient[:3] = size * torch.randn(3, 576)
    weight = torch.nn.Parameter(torch.zeros(64, 64, 3, 3))
    optimiser = Soap([weight], lr=0.01)
    for _ in range(3):
        weight.grad = gradient.view_as(weight)
        optimiser.step()
    basis = optimiser.state[weight]["right_basis"]
    assert torch.dist(basis.T @ basis, torch.eye(576)) < 1e-3
    assert bool(weight.isfinite().all())
