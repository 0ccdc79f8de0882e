"""A model without memory: names and shapes of all tensors, for checks and as a shell to fill.

torch draws starting values even for tensors that have no memory, and on that way loads its compiler,
which takes seconds. Here the drawing is left out. Imports torch only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from desktop.llm.phi import Phi, PhiConfig


class _NoDrawing(TorchFunctionMode):
    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if getattr(function, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))


def empty_phi(config: PhiConfig) -> Phi:
    """A Phi on torch's ``meta`` device: every tensor has a shape and no numbers."""
    with torch.device("meta"), _NoDrawing():
        return Phi(config)
