"""What the lesson shows: the intermediate results of attention as frame items.

Only turns tensors into items; every number comes from ``experiment.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from desktop.bilingual import Bilingual
from desktop.engine.frames import (
    Array,
    Axis,
    Bars,
    Curves,
    Item,
    Matrices,
    Matrix,
    Readout,
    Readouts,
    Series,
    Tokens,
)

if TYPE_CHECKING:
    from .experiment import Attention, SelfAttention

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
KEYS = 10
DRAWS = 200

WORD_LOOKS = Bilingual("正在看的词", "word that looks")
WORD_SEEN = Bilingual("被看的词", "word looked at")
WORD = Bilingual("词", "word")
COMPONENT = Bilingual("分量", "component")
VALUE = Axis(Bilingual("数值", "value"))
SCORE = Axis(Bilingual("得分", "score"))
WEIGHT = Axis(Bilingual("权重", "weight"), limits=(0.0, 1.0))
PROBABILITY = Axis(Bilingual("概率", "probability"), limits=(0.0, 1.0))


class Inside(NamedTuple):
    """One pass over the learner's sentence: x (words, width), the rest (heads, words, …)."""

    x: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    allowed: Tensor
    found: Attention
    following: Tensor
    difference: float


def row_entropy(weights: Tensor) -> Tensor:
    """Entropy of each row of weights in nats; a weight of 0 adds nothing."""
    return -torch.xlogy(weights, weights).sum(-1)


def saturation_curves() -> tuple[Array, Array]:
    """Mean entropy of softmax(q·k) over random vectors with variance 1, without and with √d.

    Ten keys, 200 draws for each d: the premise of the argument for √d, measured.
    """
    rng = torch.Generator().manual_seed(0)
    plain, scaled = [], []
    for size in SIZES:
        q = torch.randn(DRAWS, 1, size, generator=rng)
        k = torch.randn(DRAWS, KEYS, size, generator=rng)
        scores = (q * k).sum(-1)
        plain.append(float(row_entropy(torch.softmax(scores, -1)).mean()))
        scaled.append(float(row_entropy(torch.softmax(scores / size**0.5, -1)).mean()))
    return np.array(plain), np.array(scaled)


def shown_head(experiment: SelfAttention) -> int:
    """The head to show: the one asked for, or the last there is."""
    return min(experiment.parameters.head, experiment.model.heads - 1)


def looking_word(experiment: SelfAttention) -> int:
    """The row to show: the word asked for, or the last of the sentence."""
    return min(experiment.parameters.query, len(experiment.words) - 1)


def items(experiment: SelfAttention, inside: Inside) -> dict[str, Item]:
    """All items of the lesson's frame."""
    head = shown_head(experiment)
    words = tuple(experiment.words)
    found = inside.found
    mask = (~inside.allowed).numpy()
    x = vectors(inside.x, words, "X", row=WORD)
    q, k, v = (
        vectors(tensor[head], words, f"{name}, head {head}", f"{name}，第 {head} 头")
        for tensor, name in ((inside.q, "Q"), (inside.k, "K"), (inside.v, "V"))
    )
    scores = between_words(found.scores[head], words, SCORE, "Q Kᵀ")
    scaled = between_words(found.scaled[head], words, SCORE, scaled_name(experiment), mask=mask)
    weights = weight_matrix(experiment, inside, head)
    output = vectors(found.output[head], words, "A V", row=WORD)
    heads = tuple(weight_matrix(experiment, inside, h) for h in range(experiment.model.heads))
    return {
        "sentence": sentence(experiment, inside, head),
        "x": x,
        "projections": projections(experiment, head),
        "q": q,
        "k": k,
        "v": v,
        "qkv": Matrices((q, k, v), columns_hint=3),
        "scores": scores,
        "scaled": scaled,
        "weights": weights,
        "output": output,
        "heads": Matrices(heads, columns_hint=2, selected=head),
        "next": next_words(experiment, inside),
        "check": check(experiment, inside, head),
        "saturation": saturation(experiment, inside, head),
    }


def scaled_name(experiment: SelfAttention) -> str:
    """What was done to the scores, as a title."""
    return "Q Kᵀ / √d" if experiment.parameters.scaled else "Q Kᵀ"


def vectors(
    values: Tensor, words: tuple[str, ...], en: str, zh: str = "", row: Bilingual = WORD
) -> Matrix:
    """One row of numbers for each word."""
    columns = tuple(str(place) for place in range(values.shape[1]))
    title = Bilingual(zh or en, en)
    return Matrix(
        values.numpy().copy(),
        words,
        columns,
        VALUE,
        row_axis=row,
        column_axis=COMPONENT,
        title=title,
    )


def between_words(
    values: Tensor, words: tuple[str, ...], value: Axis, title: str, mask: Array | None = None
) -> Matrix:
    """A number for each pair: the row's word looks at the column's word."""
    return Matrix(
        values.numpy().copy(),
        words,
        words,
        value,
        mask=mask,
        row_axis=WORD_LOOKS,
        column_axis=WORD_SEEN,
        title=Bilingual.same(title),
    )


def weight_matrix(experiment: SelfAttention, inside: Inside, head: int) -> Matrix:
    """The weights of one head: rows that sum to 1."""
    words = tuple(experiment.words)
    return Matrix(
        inside.found.weights[head].numpy().copy(),
        words,
        words,
        WEIGHT,
        diverging=False,
        mask=(~inside.allowed).numpy(),
        row_axis=WORD_LOOKS,
        column_axis=WORD_SEEN,
        title=Bilingual(f"第 {head} 头", f"head {head}"),
    )


def projections(experiment: SelfAttention, head: int) -> Matrices:
    """The three learned matrices, the columns that belong to this head."""
    model = experiment.model
    columns = slice(head * model.size, (head + 1) * model.size)
    names = tuple(str(place) for place in range(model.embedding.shape[1]))
    parts = tuple(str(place) for place in range(model.size))
    found = tuple(
        Matrix(
            weight.detach()[:, columns].numpy().copy(),
            names,
            parts,
            VALUE,
            row_axis=Bilingual("X 的分量", "component of X"),
            column_axis=COMPONENT,
            title=Bilingual.same(name),
        )
        for weight, name in ((model.w_q, "W_Q"), (model.w_k, "W_K"), (model.w_v, "W_V"))
    )
    return Matrices(found, columns_hint=3)


def sentence(experiment: SelfAttention, inside: Inside, head: int) -> Tokens:
    """The sentence, coloured by how much the looking word attends to each word."""
    words, query = experiment.words, looking_word(experiment)
    return Tokens(
        tuple(words),
        tuple(experiment.ids.tolist()),
        inside.found.weights[head, query].numpy().copy(),
        WEIGHT,
        selected=query,
        note=Bilingual(
            f"“{words[query]}”看向每个词的权重，第 {head} 头",
            f"where “{words[query]}” looks, head {head}",
        ),
    )


def together(words: list[str]) -> str:
    """Words as a text again: a space only between two that are written in letters or digits."""
    text = ""
    for word in words:
        gap = text and text[-1].isascii() and word[0].isascii() and word[0].isalnum()
        text += f" {word}" if gap else word
    return text


def next_words(experiment: SelfAttention, inside: Inside) -> Bars:
    """What the model expects after the looking word."""
    query = looking_word(experiment)
    chances, places = inside.following[query].topk(8)
    seen = together(experiment.words[: query + 1])
    actual = int(experiment.ids[query + 1]) if query + 1 < len(experiment.words) else -1
    ranks = places.tolist()
    return Bars(
        tuple(experiment.vocabulary[place] for place in ranks),
        chances.numpy().copy(),
        PROBABILITY,
        highlight=ranks.index(actual) if actual in ranks else -1,
        keep_order=True,
        note=Bilingual(f"“{seen}”之后的词", f"the word after “{seen}”"),
    )


def check(experiment: SelfAttention, inside: Inside, head: int) -> Readouts:
    """The proof that this is the attention that torch computes, and what the rows look like."""
    weights = inside.found.weights
    size = experiment.model.size
    sums = weights.sum(-1)
    return Readouts(
        (
            Readout(
                "max_difference",
                Bilingual("与 torch 的最大差", "largest difference from torch"),
                inside.difference,
                digits=2,
                help=Bilingual(
                    "我们的输出减去 torch.nn.functional.scaled_dot_product_attention 的输出，所有头、所有元素中绝对值最大的一个。单精度的舍入误差大约是 10⁻⁷。",
                    "Our output minus that of torch.nn.functional.scaled_dot_product_attention: the largest absolute value over all heads and elements. Rounding in single precision is about 10⁻⁷.",
                ),
            ),
            Readout(
                "row_sum_min",
                Bilingual("行和的最小值", "smallest row sum"),
                float(sums.min()),
                digits=7,
            ),
            Readout(
                "row_sum_max",
                Bilingual("行和的最大值", "largest row sum"),
                float(sums.max()),
                digits=7,
            ),
            Readout("d", Bilingual("每个头的维数 d", "head size d"), float(size), digits=3),
            Readout("root_d", Bilingual("√d", "√d"), math.sqrt(size)),
            Readout(
                "entropy",
                Bilingual("这个头每行的平均熵", "mean row entropy, this head"),
                float(row_entropy(weights[head]).mean()),
                unit="nat",
            ),
            Readout(
                "peak",
                Bilingual("这个头每行最大权重的平均", "mean largest weight, this head"),
                float(weights[head].amax(-1).mean()),
            ),
        )
    )


def saturation(experiment: SelfAttention, inside: Inside, head: int) -> Curves:
    """Entropy against d with and without √d, and the last row of this sentence as a point."""
    plain, scaled = experiment.saturation
    sizes = np.array(SIZES, dtype=float)
    last = row_entropy(inside.found.weights[head])[-1]
    spread = float(last) / math.log(max(2, int(inside.allowed[-1].sum())))
    return Curves(
        Axis(Bilingual("维数 d", "size d"), log=True),
        Axis(Bilingual("熵 ÷ 可能的最大值", "entropy ÷ largest possible"), limits=(0.0, 1.05)),
        (
            Series("plain", Bilingual("不除以 √d", "without √d"), sizes, plain / math.log(KEYS), 1),
            Series(
                "scaled", Bilingual("除以 √d", "divided by √d"), sizes, scaled / math.log(KEYS), 0
            ),
            Series(
                "this",
                Bilingual("你的句子的最后一行", "last row of your sentence"),
                np.array([float(experiment.model.size)]),
                np.array([spread]),
                2,
                "dots",
            ),
        ),
        note=Bilingual(
            f"曲线：随机的 q 和 {KEYS} 个 k，每点 {DRAWS} 次平均",
            f"curves: random q and {KEYS} random k, mean of {DRAWS}",
        ),
    )
