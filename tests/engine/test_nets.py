"""Hand-written backpropagation and optimizers against torch's autograd and torch.optim."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from desktop.engine import nets

TORCH_ACTIVATIONS = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.01),
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}


def made(sizes, activation, seed=0, dtype=np.float64):
    network = nets.Network(sizes, activation, dtype)
    network.initialise("glorot", torch.Generator().manual_seed(seed))
    # biases that are not all zero, so that a mistake with them shows
    network.theta += 0.1 * np.random.default_rng(seed).standard_normal(len(network.theta))
    return network


def twin(network: nets.Network, activation: str) -> nn.Sequential:
    """The same network as torch modules, with the same weights."""
    layers: list[nn.Module] = []
    for k, W in enumerate(network.W):
        linear = nn.Linear(W.shape[1] - 1, W.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W[:, :-1].astype(np.float64)))
            linear.bias.copy_(torch.from_numpy(W[:, -1].astype(np.float64)))
        layers.append(linear)
        if k < len(network.W) - 1:
            layers.append(TORCH_ACTIVATIONS[activation]())
    return nn.Sequential(*layers)


def flat(model: nn.Sequential, what) -> np.ndarray:
    """A torch model's parameters (or their gradients) in the order of ``theta``."""
    parts = []
    for linear in (layer for layer in model if isinstance(layer, nn.Linear)):
        weight, bias = what(linear.weight), what(linear.bias)
        parts.append(torch.cat([weight, bias[:, None]], dim=1).flatten())
    return torch.cat(parts).detach().numpy()


def torch_loss(name: str, classes: bool, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if name == "cross_entropy":
        return functional.binary_cross_entropy_with_logits(z, (y + 1) / 2)
    guess = z.tanh() if classes else z
    if name == "mse":
        return functional.mse_loss(guess, y)
    return (guess - y).cosh().log().mean()


def examples(rows, inputs, classes, seed=0):
    random = np.random.default_rng(seed)
    x = np.ones((rows, inputs + 1))
    x[:, :-1] = random.uniform(-3, 3, (rows, inputs))
    y = random.choice([-1.0, 1.0], rows) if classes else random.uniform(-1, 1, rows)
    return x, y


def gradient(network, loss, x, y):
    step = nets.Pass(network, len(y))
    z = step.forward(x.T)
    loss.slope(z, y, step.dz)
    step.dz *= step.per_example
    step.backward(x.T)
    return z.copy(), network.gradient.copy()


CASES = [
    ("mse", True),
    ("mse", False),
    ("log_cosh", True),
    ("log_cosh", False),
    ("cross_entropy", True),
]


@pytest.mark.parametrize("activation", nets.ACTIVATIONS)
@pytest.mark.parametrize(("loss_name", "classes"), CASES)
@pytest.mark.parametrize("hidden", [(), (1,), (4, 2), (8, 3, 5, 2, 7, 4)])
def test_gradient_equals_autograd(activation, loss_name, classes, hidden):
    network = made((3, *hidden, 1), activation)
    loss = nets.LOSSES[loss_name](classes)
    x, y = examples(7, 3, classes)
    z, found = gradient(network, loss, x, y)

    model = twin(network, activation)
    z_torch = model(torch.from_numpy(x[:, :-1])).squeeze(1)
    expected = torch_loss(loss_name, classes, z_torch, torch.from_numpy(y))
    expected.backward()

    np.testing.assert_allclose(z, z_torch.detach().numpy(), rtol=1e-12, atol=1e-14)
    assert loss.value(z, y) == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(found, flat(model, lambda p: p.grad), rtol=1e-10, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 32), max_size=6),
    rows=st.integers(1, 20),
    seed=st.integers(0, 10_000),
)
def test_gradient_equals_autograd_for_any_shape(hidden, rows, seed):
    network = made((2, *hidden, 1), "tanh", seed)
    x, y = examples(rows, 2, True, seed)
    _, found = gradient(network, nets.LOSSES["mse"](True), x, y)
    model = twin(network, "tanh")
    z = model(torch.from_numpy(x[:, :-1])).squeeze(1)
    functional.mse_loss(z.tanh(), torch.from_numpy(y)).backward()
    np.testing.assert_allclose(found, flat(model, lambda p: p.grad), rtol=1e-8, atol=1e-13)


TORCH_OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.9, 0.999), eps=1e-8),
}


@pytest.mark.parametrize("name", nets.OPTIMIZERS)
def test_training_equals_torch_step_for_step(name):
    network = made((2, 5, 3, 1), "tanh")
    model = twin(network, "tanh")
    optimizer = nets.OPTIMIZERS[name](len(network.theta), np.float64)
    reference = TORCH_OPTIMIZERS[name](model.parameters())
    loss = nets.MeanSquaredError(True)
    for step in range(40):
        x, y = examples(10, 2, True, seed=step)
        gradient(network, loss, x, y)
        optimizer.update(network.theta, network.gradient, 0.05)

        reference.zero_grad()
        z = model(torch.from_numpy(x[:, :-1])).squeeze(1)
        functional.mse_loss(z.tanh(), torch.from_numpy(y)).backward()
        reference.step()
        np.testing.assert_allclose(network.theta, flat(model, lambda p: p), rtol=1e-9, atol=1e-11)


def test_losses_stay_finite_far_out():
    z, y = np.array([1e4, -1e4, 50.0], np.float32), np.array([-1.0, 1.0, 1.0], np.float32)
    for name, classes in CASES:
        if name == "mse" and not classes:
            continue
        loss = nets.LOSSES[name](classes)
        out = np.zeros_like(z)
        loss.slope(z, y, out)
        assert np.isfinite(loss.value(z, y)), name
        assert np.isfinite(out).all(), name


def test_sigmoid_does_not_overflow():
    z = np.array([-1e4, 0.0, 1e4], np.float32)
    nets.Sigmoid.apply(z)
    np.testing.assert_array_equal(z, [0.0, 0.5, 1.0])


@pytest.mark.parametrize(("how", "limit"), [("glorot", (6 / 40) ** 0.5), ("he", (6 / 32) ** 0.5)])
def test_initial_weights_have_the_spread_their_papers_ask_for(how, limit):
    network = nets.Network((2, 32, 8, 1), "relu")
    network.initialise(how, torch.Generator().manual_seed(3))
    weights = network.W[1][:, :-1]
    assert np.abs(weights).max() <= limit
    assert np.abs(weights).max() > 0.9 * limit
    assert weights.var() == pytest.approx(limit**2 / 3, rel=0.2)
    assert (network.W[1][:, -1] == 0).all()


def test_everything_lies_in_one_vector():
    network = made((2, 4, 2, 1), "tanh", dtype=np.float32)
    assert len(network.theta) == (2 + 1) * 4 + (4 + 1) * 2 + (2 + 1) * 1
    network.theta[:] = 7
    assert all((W == 7).all() for W in network.W)
    assert network.is_weight.sum() == 2 * 4 + 4 * 2 + 2 * 1


def test_the_single_precision_network_follows_the_double_one():
    single, double = made((2, 8, 8, 1), "tanh", dtype=np.float32), made((2, 8, 8, 1), "tanh")
    double.theta[:] = single.theta
    x, y = examples(10, 2, True)
    loss = nets.MeanSquaredError(True)
    _, exact = gradient(double, loss, x, y)
    _, found = gradient(single, loss, x.astype(np.float32), y.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-5)
