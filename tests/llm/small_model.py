"""A model of a few thousand weights, and the same on the fast path."""

from __future__ import annotations

import torch

from desktop.llm.fast import FastDecoder, QuantizedPhi, prepare
from desktop.llm.kernels_choice import Choice, choose_for_processor
from desktop.llm.phi import Phi, PhiConfig, initialise

CONFIG = PhiConfig(64, 64, 128, 3, 4, 4, 64)


def random_phi() -> Phi:
    """Always the same one."""
    model = Phi(CONFIG)
    initialise(model, torch.Generator().manual_seed(3), spread=0.3)
    return model.eval()


def fast(model: Phi) -> FastDecoder:
    """Its decoder with 4-bit weights."""
    choice = Choice("int4", choose_for_processor().why)
    return FastDecoder(prepare(QuantizedPhi.from_phi(model, fit="minmax"), choice.make))
