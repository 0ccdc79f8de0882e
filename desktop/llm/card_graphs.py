"""One step of a model, recorded as a CUDA graph and replayed with one call.

The token and its position are numbers in the card's memory that change between replays. A graph has
fixed shapes, so there is one for each span of the context (256, 512, …). Recording needs no compiler.
Imports torch, no Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

SPAN = 256
"""The shortest span of the context that a step is recorded for; each further one is twice as long."""

WARM_UPS = 2
"""A step is run before it is recorded: libraries prepare themselves at the first call."""

Step = Callable[[Tensor, Tensor, int], Tensor]
"""From tokens, their positions and the span that is looked at to scores."""


class RecordingError(RuntimeError):
    """A step could not be recorded; it can still be run plainly."""


class Recording(Protocol):
    """Work that is done again with one call."""

    def replay(self) -> object:
        """Start it."""


class Graphs:
    """The recorded steps of one decoder, each made when it is first needed.

    The step is given with every call rather than kept: a decoder and its graphs that point to each other
    would stay in the card's memory until Python looks for such circles.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self._capacity, self._device = capacity, device
        self._token = torch.zeros(1, dtype=torch.int64, device=device)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._recorded: dict[int, tuple[Recording, Tensor]] = {}
        self._studio: Studio | None = None

    def replay(self, token: int, position: int, step: Step) -> Tensor:
        """Scores, to be fetched before the next call. Raises ``RecordingError``."""
        span = self._put(token, position)
        if span not in self._recorded:
            self._recorded[span] = self._record(span, step)
        graph, scores = self._recorded[span]
        graph.replay()
        return scores

    def plainly(self, token: int, position: int, step: Step) -> Tensor:
        """The same without a graph."""
        span = self._put(token, position)
        return step(self._token, self._position, span)

    def _put(self, token: int, position: int) -> int:
        self._token.fill_(token)
        self._position.fill_(position)
        span = SPAN
        while span <= position:
            span *= 2
        return min(span, self._capacity)

    def _record(self, span: int, step: Step) -> tuple[Recording, Tensor]:
        try:
            if self._studio is None:
                self._studio = Studio(self._device)
            return self._studio.record(lambda: step(self._token, self._position, span))
        except RuntimeError as error:
            raise RecordingError(str(error)) from error


class Studio:
    """Where graphs are recorded: a stream of their own, and memory that they share.

    Graphs may share it because they never run at once, and what one leaves is fetched before the next.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], Tensor]) -> tuple[Recording, Tensor]:
        """Record work, after running it a few times; its result appears in the same place each time.

        ``thread_local``: what other threads ask the card meanwhile does not spoil the recording.
        """
        before = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(before)
        graph = torch.cuda.CUDAGraph()
        # The outer context returns to the stream before even if a recording breaks off.
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UPS):
                work()
            with torch.cuda.graph(
                graph, self._pool, self._stream, capture_error_mode="thread_local"
            ):
                result = work()
        before.wait_stream(self._stream)
        return graph, result
