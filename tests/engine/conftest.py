"""Fixtures of the engine's tests."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread():
    """Bit-for-bit tests should not depend on how many cores the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
