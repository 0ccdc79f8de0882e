"""One cell of one matrix, worked out with the numbers that are really in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from desktop.bilingual import Bilingual
from desktop.engine.frames import Explanation

from .pictures import Inside, shown_head

if TYPE_CHECKING:
    from .experiment import SelfAttention

MOST_TERMS = 6
"""A sum with more terms than this is shown with its first ones, dots and the last one."""

Lines = tuple[tuple[str, Bilingual], ...]


def number(value: float) -> str:
    """A number as LaTeX with four significant digits."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else r"\infty" if value > 0 else r"-\infty"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"


def _text(value: float) -> str:
    """The same in a sentence, with a true minus sign."""
    return f"{value:.4g}".replace("-", "−")


def factor(value: float) -> str:
    """A number that stands in a product: negative ones in brackets."""
    return f"({number(value)})" if value < 0 or abs(value) < 1e-3 else number(value)


def shorten(terms: Sequence[str]) -> str:
    """Terms joined by plus signs, the middle left out when there are many."""
    if len(terms) > MOST_TERMS:
        terms = [*terms[: MOST_TERMS - 2], r"\cdots", terms[-1]]
    return " + ".join(terms)


def products(left: torch.Tensor, right: torch.Tensor) -> str:
    """A dot product spelled out."""
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return shorten([rf"{factor(a)} \cdot {factor(b)}" for a, b in pairs])


def explain(
    experiment: SelfAttention, inside: Inside, item: str, index: tuple[int, ...]
) -> Explanation | None:
    """The arithmetic behind ``index`` of ``item``; ``None`` for what is no matrix of ours."""
    head = shown_head(experiment)
    if item == "qkv" and len(index) == 3:
        item, index = "qkv"[index[0]], index[1:]
    if item == "heads" and len(index) == 3:
        head, item, index = index[0], "weights", index[1:]
    if len(index) != 2 or not 0 <= index[0] < len(experiment.words):
        return None
    row, column = index
    if item == "x":
        return embedding_cell(experiment, inside, row, column)
    if item in ("q", "k", "v"):
        return projected_cell(experiment, inside, item, head, row, column)
    if item in ("scores", "scaled", "weights") and column < len(experiment.words):
        cell = {"scores": score_cell, "scaled": scaled_cell, "weights": weight_cell}[item]
        return cell(experiment, inside, head, row, column)
    if item == "output":
        return output_cell(experiment, inside, head, row, column)
    return None


def embedding_cell(experiment: SelfAttention, inside: Inside, row: int, column: int) -> Explanation:
    """Embedding of the word plus code of the position."""
    word = experiment.words[row]
    learned = float(experiment.model.embedding[experiment.ids[row], column].detach())
    value = float(inside.x[row, column])
    return Explanation(
        Bilingual(f"“{word}”的第 {column} 个分量", f"component {column} of “{word}”"),
        (
            (
                rf"x_{{{row},{column}}} = e + p",
                Bilingual(
                    "词的嵌入加上位置编码", "embedding of the word plus code of its position"
                ),
            ),
            (
                rf"= {number(learned)} + {factor(value - learned)} = {number(value)}",
                Bilingual(f"位置 {row}（从 0 数起）", f"position {row}, counted from 0"),
            ),
        ),
        Bilingual(
            "嵌入是学出来的，位置编码由正弦和余弦算出，不用学。",
            "The embedding is learned; the code of the position is a sine or cosine and is not.",
        ),
        term="embedding",
    )


def projected_cell(
    experiment: SelfAttention, inside: Inside, name: str, head: int, row: int, column: int
) -> Explanation | None:
    """One row of X times one column of a projection matrix."""
    model = experiment.model
    if not 0 <= column < model.size:
        return None
    weight = {"q": model.w_q, "k": model.w_k, "v": model.w_v}[name].detach()
    values = {"q": inside.q, "k": inside.k, "v": inside.v}[name]
    big = name.upper()
    word = experiment.words[row]
    return Explanation(
        Bilingual(
            f"“{word}”的 {name} 的第 {column} 个分量", f"component {column} of {name} for “{word}”"
        ),
        (
            (
                rf"{name}_{{{row},{column}}} = \sum_m x_{{{row},m}} \, (W_{big})_{{m,{column}}}",
                Bilingual(
                    f"X 的这一行乘 W_{big} 的一列，共 {len(weight)} 项",
                    f"this row of X times a column of W_{big}, {len(weight)} terms",
                ),
            ),
            (
                "= " + products(inside.x[row], weight[:, head * model.size + column]),
                Bilingual("", ""),
            ),
            (f"= {number(float(values[head, row, column]))}", Bilingual("", "")),
        ),
        Bilingual(
            f"W_{big} 是学出来的；Q、K、V 用的是三个不同的矩阵。",
            f"W_{big} is learned; Q, K and V each have a matrix of their own.",
        ),
        term="query-key-value",
    )


def score_cell(
    experiment: SelfAttention, inside: Inside, head: int, row: int, column: int
) -> Explanation:
    """A query times a key."""
    looks, seen = experiment.words[row], experiment.words[column]
    q, k = inside.q[head, row], inside.k[head, column]
    return Explanation(
        Bilingual(f"“{looks}”给“{seen}”的得分", f"score of “{seen}” for “{looks}”"),
        (
            (
                rf"s_{{{row},{column}}} = q_{{{row}}} \cdot k_{{{column}}}",
                Bilingual(
                    f"“{looks}”的查询与“{seen}”的键的点积",
                    f"the query of “{looks}” times the key of “{seen}”",
                ),
            ),
            ("= " + products(q, k), Bilingual(f"d = {len(q)} 项相加", f"d = {len(q)} terms")),
            (f"= {number(float(inside.found.scores[head, row, column]))}", Bilingual("", "")),
        ),
        Bilingual(
            "两个向量方向越一致，得分越大。",
            "The more the two vectors point the same way, the larger the score.",
        ),
        term="query-key-value",
    )


def scaled_cell(
    experiment: SelfAttention, inside: Inside, head: int, row: int, column: int
) -> Explanation:
    """The score divided by √d, or as it was."""
    score = float(inside.found.scores[head, row, column])
    value = float(inside.found.scaled[head, row, column])
    size = experiment.model.size
    looks, seen = experiment.words[row], experiment.words[column]
    title = Bilingual(f"“{looks}”→“{seen}”，缩放后", f"“{looks}” → “{seen}”, scaled")
    hidden = Bilingual("", "")
    if not inside.allowed[row, column]:
        hidden = Bilingual(
            "掩码盖住了这一格：它在 softmax 之前变成 −∞。",
            "The mask covers this cell: it becomes −∞ before softmax.",
        )
    if not experiment.parameters.scaled:
        line = (f"s = {number(value)}", Bilingual("没有除以 √d", "not divided by √d"))
        return Explanation(title, (line,), hidden)
    line = (
        rf"\frac{{s}}{{\sqrt{{d}}}} = \frac{{{number(score)}}}{{\sqrt{{{size}}}}}"
        rf" = \frac{{{number(score)}}}{{{number(math.sqrt(size))}}} = {number(value)}",
        Bilingual(f"d = {size}", f"d = {size}"),
    )
    return Explanation(title, (line,), hidden)


def weight_cell(
    experiment: SelfAttention, inside: Inside, head: int, row: int, column: int
) -> Explanation:
    """exp of the score over the sum of all exps in the row."""
    looks, seen = experiment.words[row], experiment.words[column]
    title = Bilingual(f"“{looks}”看“{seen}”的权重", f"how much “{looks}” attends to “{seen}”")
    if not inside.allowed[row, column]:
        return Explanation(
            title,
            ((r"e^{-\infty} = 0", Bilingual("被掩码盖住", "covered by the mask")),),
            Bilingual(
                f"“{seen}”在“{looks}”的后面，预测时还看不到它。",
                f"“{seen}” comes after “{looks}”: while predicting, it is not there yet.",
            ),
            term="causal-mask",
        )
    seen_scores = inside.found.scaled[head, row][inside.allowed[row]]
    score = float(inside.found.scaled[head, row, column])
    highest = float(seen_scores.max())
    powers = torch.exp(seen_scores - highest)
    total, power = float(powers.sum()), math.exp(score - highest)
    return Explanation(
        title,
        (
            (
                rf"a_{{{row},{column}}} = \frac{{e^{{s - m}}}}{{\sum_j e^{{s_j - m}}}}",
                Bilingual(
                    f"m = {_text(highest)} 是这一行最大的得分，减去它可以防止溢出，结果不变",
                    f"m = {_text(highest)} is the row’s largest score; taking it away prevents overflow and changes nothing",
                ),
            ),
            (
                rf"e^{{{number(score)} - {factor(highest)}}} = {number(power)}",
                Bilingual("分子", "numerator"),
            ),
            (
                shorten([number(float(p)) for p in powers]) + f" = {number(total)}",
                Bilingual(
                    f"分母：能看到的 {len(powers)} 个词",
                    f"denominator: the {len(powers)} words in sight",
                ),
            ),
            (
                rf"\frac{{{number(power)}}}{{{number(total)}}}"
                rf" = {number(float(inside.found.weights[head, row, column]))}",
                Bilingual("", ""),
            ),
        ),
        Bilingual("这一行所有权重加起来是 1。", "All weights of this row add up to 1."),
        term="softmax",
    )


def output_cell(
    experiment: SelfAttention, inside: Inside, head: int, row: int, column: int
) -> Explanation | None:
    """The weighted sum of one component of all values."""
    if not 0 <= column < experiment.model.size:
        return None
    weights, values = inside.found.weights[head, row], inside.v[head, :, column]
    allowed = inside.allowed[row]
    word = experiment.words[row]
    return Explanation(
        Bilingual(
            f"“{word}”的输出的第 {column} 个分量", f"component {column} of the output at “{word}”"
        ),
        (
            (
                rf"o_{{{row},{column}}} = \sum_j a_{{{row},j}} \, v_{{j,{column}}}",
                Bilingual("每个词的值，按权重加起来", "the value of each word, times its weight"),
            ),
            ("= " + products(weights[allowed], values[allowed]), Bilingual("", "")),
            (f"= {number(float(inside.found.output[head, row, column]))}", Bilingual("", "")),
        ),
        Bilingual(
            "权重大的词贡献多，权重为 0 的词没有贡献。",
            "A word with a large weight gives much, a word with weight 0 gives nothing.",
        ),
        term="self-attention",
    )
