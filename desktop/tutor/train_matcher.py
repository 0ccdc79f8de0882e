"""Trains the matcher: ``python -m desktop.tutor.train_matcher``, a minute or two a language on two cores.

Every known wording, name and sentence of a record is an example of it. What counts as right is the
record itself and, more, any record about the same: an answer about the right thing in another form is
better than one about something else. A part of the pieces is left out at random each time, so that no
single word decides. Writes ``resources/tutor/matcher-*.safetensors``; run ``desktop.tutor.calibrate``
afterwards. Imports torch; the held-out questions are never read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from desktop import paths, tutor
from desktop.bilingual import LANGUAGES
from desktop.course.glossary import Glossary, load_glossary
from desktop.tutor.matcher import Matcher, number_of, pieces_of, scale_of
from desktop.tutor.records import Record, load_records, names_of, same_topic

WIDTH = 64
EPOCHS = 12
BATCH = 256
RATE = 5e-3
SPREAD = 0.1
DROPPED = 0.3
"""The part of a text's pieces that is left out each time."""
CHATTER = 0.5
"""So often a text has words beside it that speak of something outside the course: it remains what it is
(“explain to a history teacher what a gradient is”)."""
OWN = 0.3
"""What the record itself counts in the loss; any about the same counts the rest."""
SEEN = 2
"""A piece has a vector if so many texts have it."""
_SENTENCE = re.compile(r"(?<=[。！？.!?])\s*")
_SHORTEST = 9
"""Characters of a sentence that says something by itself."""


@dataclass(frozen=True)
class Example:
    """A text as numbers and weights of its pieces, and the place of its record."""

    record: int
    numbers: np.ndarray
    weights: np.ndarray


def texts_of(record: Record, glossary: Glossary, but: Collection[str] = ()) -> Iterator[str]:
    """Everything that is an example of a record, without the wordings in ``but``."""
    yield from (question for question in record.questions if question not in but)
    yield from names_of(record, glossary)
    for part in record.parts.values():
        yield part
        yield from (one for one in _SENTENCE.split(part) if len(one) >= _SHORTEST)


def train(
    records: Sequence[Record], glossary: Glossary, but: Collection[str] = (), seed: int = 0
) -> Matcher:
    """A matcher for these records, all of one language; the wordings in ``but`` are not learnt."""
    texts = [
        (place, pieces_of(text))
        for place, record in enumerate(records)
        for text in texts_of(record, glossary, but)
    ]
    seen = Counter(piece for _, pieces in texts for piece in pieces)
    places = {piece: place for place, piece in enumerate(p for p, n in seen.items() if n >= SEEN)}
    examples = [example for place, pieces in texts if (example := _example(place, pieces, places))]
    right = torch.tensor([[same_topic(one, other) for other in records] for one in records])
    network = _Network(len(places), len(records), seed)
    chatter = [one for one in examples if records[one.record].kind == "outside"]
    _fit(network, examples, chatter, right, np.random.default_rng(seed))
    return Matcher.of(
        [record.key for record in records],
        np.array([number_of(piece) for piece in places]),
        network.vectors.weight.detach().numpy(),
        (network.output.weight.detach().numpy().T, network.output.bias.detach().numpy()),
    )


def _example(record: int, pieces: dict[str, float], places: dict[str, int]) -> Example | None:
    known = {places[piece]: weight for piece, weight in pieces.items() if piece in places}
    if not known:
        return None
    return Example(record, np.array(list(known)), np.array(list(known.values()), np.float32))


class _Network(nn.Module):
    """The vectors of the pieces, and the matrix from a question's vector to the records."""

    def __init__(self, pieces: int, records: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.vectors = nn.EmbeddingBag(pieces, WIDTH, mode="sum", sparse=True)
        self.output = nn.Linear(WIDTH, records)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=SPREAD, generator=generator)

    def forward(self, batch: Sequence[tuple[np.ndarray, np.ndarray]]) -> Tensor:
        """Log-probabilities (texts, records) of texts given as numbers and weights of pieces."""
        sizes = [len(numbers) for numbers, _ in batch]
        scaled = [weights * scale_of(weights) for _, weights in batch]
        questions = self.vectors(
            torch.from_numpy(np.concatenate([numbers for numbers, _ in batch])),
            torch.from_numpy(np.cumsum([0, *sizes[:-1]])),
            torch.from_numpy(np.concatenate(scaled).astype(np.float32)),
        )
        return torch.log_softmax(self.output(questions), dim=1)


def _fit(
    network: _Network,
    examples: Sequence[Example],
    chatter: Sequence[Example],
    right: Tensor,
    random: np.random.Generator,
) -> None:
    """Adam with a rate that falls to zero; of the vectors, only those that a batch has pieces of."""
    optimizers = (
        torch.optim.SparseAdam(network.vectors.parameters(), lr=RATE),
        torch.optim.Adam(network.output.parameters(), lr=RATE),
    )
    batches = -(-len(examples) // BATCH)
    schedules = [
        torch.optim.lr_scheduler.LinearLR(one, 1.0, 0.0, EPOCHS * batches) for one in optimizers
    ]
    for _ in range(EPOCHS):
        for chosen in np.array_split(random.permutation(len(examples)), batches):
            batch = [examples[place] for place in chosen]
            guesses = network([_disturbed(one, chatter, random) for one in batch])
            wanted = torch.tensor([one.record for one in batch])
            own = guesses.gather(1, wanted[:, None]).mean()
            same = guesses.masked_fill(~right[wanted], -torch.inf).logsumexp(1).mean()
            network.zero_grad()
            torch.autograd.backward([-OWN * own - (1 - OWN) * same])
            for optimizer, schedule in zip(optimizers, schedules, strict=True):
                optimizer.step()
                schedule.step()


def _disturbed(
    example: Example, chatter: Sequence[Example], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An example without some of its pieces, and sometimes with those of something said beside it."""
    numbers, weights = _thinned(example, random)
    if not chatter or random.random() >= CHATTER:
        return numbers, weights
    beside = _thinned(chatter[int(random.integers(len(chatter)))], random)
    return np.append(numbers, beside[0]), np.append(weights, beside[1])


def _thinned(example: Example, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    kept = random.random(len(example.numbers)) >= DROPPED
    if not kept.any():
        kept[:] = True
    return example.numbers[kept], example.weights[kept]


def main() -> None:
    """Train and write both languages."""
    records = load_records(tutor.data_folder())
    glossary = load_glossary(paths.resources() / "glossary")
    for lang in LANGUAGES:
        path = tutor.matcher_file(lang)
        train([one for one in records if one.lang == lang], glossary).save(path)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
