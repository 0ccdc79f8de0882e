"""Records of numbers: tensors, arrays, modules, optimizers, and the random generators.

See ``desktop.engine.records``. Imports torch and numpy, no Qt.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from desktop.engine.records import (
    Copier,
    Digest,
    Record,
    Restorer,
    UnknownKindError,
    records,
)


@records(torch.Tensor)
class TensorRecord(Record):
    """A tensor and its gradient. A leaf that requires a gradient is filled in place."""

    def __init__(self, tensor: torch.Tensor, copier: Copier) -> None:
        copier.remember(tensor, self)
        self.data = tensor.detach().clone()
        grad = tensor.grad if tensor.is_leaf else None
        self.grad = None if grad is None else grad.detach().clone()
        self.learns = tensor.requires_grad and tensor.is_leaf
        self.is_parameter = isinstance(tensor, nn.Parameter)
        copier.nbytes += self.data.nbytes + (0 if self.grad is None else self.grad.nbytes)

    def fill(self, tensor: torch.Tensor) -> None:
        """Write data and gradient into ``tensor``."""
        with torch.no_grad():
            tensor.copy_(self.data)
        if self.grad is None:
            tensor.grad = None
        elif tensor.grad is not None and _alike(tensor.grad, self.grad):
            tensor.grad.copy_(self.grad)
        else:
            tensor.grad = self.grad.clone()

    def restore(self, current: Any, restorer: Restorer) -> torch.Tensor:
        if (
            self.learns
            and isinstance(current, torch.Tensor)
            and current.is_leaf
            and current.requires_grad
            and _alike(current, self.data)
        ):
            self.fill(current)
            return current
        tensor = self.data.clone()
        if self.is_parameter:
            tensor = nn.Parameter(tensor, requires_grad=self.learns)
        elif self.learns:
            tensor.requires_grad_()
        if self.grad is not None:
            tensor.grad = self.grad.clone()
        return tensor

    def feed(self, digest: Digest) -> None:
        for tensor in (self.data, self.grad):
            if tensor is None:
                digest.text("none")
                continue
            digest.text(f"{tensor.dtype} {tuple(tensor.shape)} {self.learns}")
            flat = tensor.cpu().contiguous().reshape(-1)
            digest.data(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return (one.shape, one.dtype, one.device) == (other.shape, other.dtype, other.device)


@records(np.ndarray)
class ArrayRecord(Record):
    """A NumPy array; restored as a fresh copy, because a frame may still hold the old one."""

    def __init__(self, array: np.ndarray, copier: Copier) -> None:
        if array.dtype.hasobject:
            raise UnknownKindError("arrays of Python objects cannot be copied")
        copier.remember(array, self)
        self.data = array.copy()
        self.data.setflags(write=False)
        copier.nbytes += self.data.nbytes

    def restore(self, current: Any, restorer: Restorer) -> np.ndarray:
        return self.data.copy()

    def feed(self, digest: Digest) -> None:
        digest.text(f"{self.data.dtype.str} {self.data.shape}")
        digest.data(self.data.tobytes())


# ------------------------------------------------------------------------------------------------
# torch objects


@records(nn.Module)
class ModuleRecord(Record):
    """A module's parameters and buffers by name, and which parts are in training mode."""

    def __init__(self, module: nn.Module, copier: Copier) -> None:
        copier.remember(module, self)
        self.tensors = {name: copier.record(tensor) for name, tensor in _tensors(module)}
        self.training = [part.training for part in module.modules()]

    def restore(self, current: Any, restorer: Restorer) -> nn.Module:
        if not isinstance(current, nn.Module):
            raise UnknownKindError("the module to restore is gone")
        present = dict(_tensors(current))
        if present.keys() != self.tensors.keys():
            raise UnknownKindError("the module to restore has other parameters now")
        for name, record in self.tensors.items():
            assert isinstance(record, TensorRecord)
            if not _alike(present[name], record.data):
                raise UnknownKindError(f"the module's parameter {name} has another shape now")
            record.fill(present[name])
            restorer.remember(record, present[name])
        for part, training in zip(current.modules(), self.training, strict=True):
            part.training = training
        return current

    def feed(self, digest: Digest) -> None:
        digest.text(repr(self.training))
        for name, record in self.tensors.items():
            digest.text(name)
            digest.record(record)


def _tensors(module: nn.Module) -> Iterable[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


@records(torch.optim.Optimizer)
class OptimizerRecord(Record):
    """An optimizer's settings and its memory of each parameter (momentum, squares, step count).

    Written out instead of using ``state_dict``: that one casts, and the first call imports the
    compiler, a second that a learner would wait for.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, copier: Copier) -> None:
        copier.remember(optimizer, self)
        self.groups = [
            copier.record({key: value for key, value in group.items() if key != "params"})
            for group in optimizer.param_groups
        ]
        self.sizes = [len(group["params"]) for group in optimizer.param_groups]
        self.memory = [
            copier.record(dict(optimizer.state[parameter]))
            if parameter in optimizer.state
            else None
            for parameter in _optimized(optimizer)
        ]

    def restore(self, current: Any, restorer: Restorer) -> torch.optim.Optimizer:
        if not isinstance(current, torch.optim.Optimizer):
            raise UnknownKindError("the optimizer to restore is gone")
        if [len(group["params"]) for group in current.param_groups] != self.sizes:
            raise UnknownKindError("the optimizer to restore has other parameters now")
        for group, record in zip(current.param_groups, self.groups, strict=True):
            group.update(restorer.value(record))
        current.state.clear()
        for parameter, memory in zip(_optimized(current), self.memory, strict=True):
            if memory is not None:
                current.state[parameter] = restorer.value(memory)
        return current

    def feed(self, digest: Digest) -> None:
        for record in [*self.groups, *self.memory]:
            if record is None:
                digest.text("none")
            else:
                digest.record(record)


def _optimized(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@records(torch.optim.lr_scheduler.LRScheduler)
class SchedulerRecord(Record):
    """A learning-rate schedule: its plain attributes; the optimizer is recorded apart."""

    def __init__(self, schedule: torch.optim.lr_scheduler.LRScheduler, copier: Copier) -> None:
        copier.remember(schedule, self)
        self.state = copy.deepcopy(schedule.state_dict())

    def restore(self, current: Any, restorer: Restorer) -> Any:
        if not isinstance(current, torch.optim.lr_scheduler.LRScheduler):
            raise UnknownKindError("the schedule to restore is gone")
        current.load_state_dict(copy.deepcopy(self.state))
        return current

    def feed(self, digest: Digest) -> None:
        digest.text(repr(self.state))


# ------------------------------------------------------------------------------------------------
# Random generators


@records(torch.Generator)
class TorchGeneratorRecord(Record):
    """The position of a ``torch.Generator``."""

    def __init__(self, generator: torch.Generator, copier: Copier) -> None:
        copier.remember(generator, self)
        self.state = generator.get_state()
        self.device = generator.device
        copier.nbytes += self.state.nbytes

    def restore(self, current: Any, restorer: Restorer) -> torch.Generator:
        reuse = isinstance(current, torch.Generator) and current.device == self.device
        generator = current if reuse else torch.Generator(self.device)
        generator.set_state(self.state)
        return generator

    def feed(self, digest: Digest) -> None:
        digest.data(self.state.numpy().tobytes())


@records(np.random.Generator)
class NumpyGeneratorRecord(Record):
    """The position of a ``numpy.random.Generator``."""

    def __init__(self, generator: np.random.Generator, copier: Copier) -> None:
        copier.remember(generator, self)
        self.state = copy.deepcopy(generator.bit_generator.state)
        copier.nbytes += 256

    def restore(self, current: Any, restorer: Restorer) -> np.random.Generator:
        name = self.state["bit_generator"]
        if (
            not isinstance(current, np.random.Generator)
            or type(current.bit_generator).__name__ != name
        ):
            current = np.random.Generator(getattr(np.random, name)())
        current.bit_generator.state = copy.deepcopy(self.state)
        return current

    def feed(self, digest: Digest) -> None:
        with np.printoptions(threshold=10**6):
            digest.text(repr(self.state))


@records(random.Random)
class PythonRandomRecord(Record):
    """The position of a ``random.Random``."""

    def __init__(self, generator: random.Random, copier: Copier) -> None:
        copier.remember(generator, self)
        self.state = generator.getstate()
        copier.nbytes += 2500

    def restore(self, current: Any, restorer: Restorer) -> random.Random:
        generator = current if isinstance(current, random.Random) else random.Random()
        generator.setstate(self.state)
        return generator

    def feed(self, digest: Digest) -> None:
        digest.text(repr(self.state))
