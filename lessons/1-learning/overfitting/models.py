"""The two models, their training step, and the exact solution. Plain torch; part of the script."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def legendre(x: Tensor, degree: int) -> Tensor:
    """(n, degree + 1): the Legendre polynomials at x, scaled to a mean square of 1 on −1 … 1.

    They span the same curves as 1, x, x², … but do not resemble one another, so that descent and
    the exact solution stay accurate at degree 15.
    """
    order = torch.arange(degree + 1, dtype=x.dtype)
    return torch.special.legendre_polynomial_p(x[:, None], order) * (2 * order + 1).sqrt()


class Polynomial(nn.Module):
    """A polynomial: one weight for each basis curve."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree
        self.weights = nn.Parameter(torch.zeros(degree + 1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return legendre(x, self.degree) @ self.weights

    def penalised(self) -> Tensor:
        """The weights that regularisation shrinks: all but the constant."""
        return self.weights[1:]


class Net(nn.Module):
    """One hidden layer: bends of different places and steepness, added up."""

    def __init__(self, width: int, rng: torch.Generator) -> None:
        super().__init__()
        random = torch.randn(3, width, generator=rng, dtype=torch.float64)
        self.steepness = nn.Parameter(6 * random[0])
        self.shift = nn.Parameter(4 * random[1])
        self.height = nn.Parameter(random[2] / width**0.5)
        self.offset = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        bends = torch.tanh(x[:, None] * self.steepness + self.shift)
        return bends @ self.height + self.offset

    def penalised(self) -> Tensor:
        """The weights that regularisation shrinks: how high and how steep the bends are."""
        return torch.cat([self.height, self.steepness / 10])


def make_model(model: str, degree: int, width: int, rng: torch.Generator) -> Polynomial | Net:
    """The model to train."""
    return Polynomial(degree) if model == "polynomial" else Net(width, rng)


def error(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error."""
    return ((model(x) - y) ** 2).mean()


def train_step(
    model: Polynomial | Net, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, penalty: float
) -> None:
    """One step downhill on the training points, weights penalised."""
    optimizer.zero_grad()
    loss = error(model, x, y) + penalty * (model.penalised() ** 2).sum()
    loss.backward()
    optimizer.step()


class EarlyStopping:
    """Remembers the model's best moment on the validation points and when to give up."""

    def __init__(self, patience: int = 200) -> None:
        self.patience = patience
        self.best = float("inf")
        self.best_step = 0
        self.weights: dict[str, Tensor] = {}
        self.stopped = False

    def look(self, step: int, validation: float, model: nn.Module) -> None:
        """Note a new best; after ``patience`` steps without one, put the best weights back."""
        if validation < self.best:
            self.best, self.best_step = validation, step
            self.weights = {name: value.clone() for name, value in model.state_dict().items()}
        elif step - self.best_step >= self.patience:
            model.load_state_dict(self.weights)
            self.stopped = True


def exact_fit(x: Tensor, y: Tensor, degree: int, penalty: float) -> Tensor:
    """The weights to which training would come in the end: penalised least squares, solved at once.

    Setting the gradient of mean (Aw − y)² + λ Σ w² to zero gives (AᵀA/n + λI) w = Aᵀy/n; it is
    solved as least squares of A with rows √(nλ) added below, which is more accurate.
    """
    design = legendre(x, degree)
    shrink = torch.full((degree + 1,), (len(x) * penalty) ** 0.5, dtype=x.dtype)
    shrink[0] = 0  # the constant is not penalised
    tall = torch.cat([design, torch.diag(shrink)])
    target = torch.cat([y, torch.zeros(degree + 1, dtype=y.dtype)])
    return torch.linalg.lstsq(tall, target[:, None], driver="gelsd").solution[:, 0]
