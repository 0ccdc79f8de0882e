"""Controls and scalars of the self-attention lesson. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from desktop.bilingual import Bilingual
from desktop.engine.parameters import (
    ParameterError,
    ParameterSet,
    flag,
    integer,
    number,
    scalar,
    text,
)

MOST_TOKENS = 24
"""More rows than this and no cell of a matrix could be read or clicked."""


def split_text(typed: str) -> list[str]:
    """Words in lower case, every Chinese character and every punctuation mark by itself."""
    return re.findall(r"[a-z0-9'’]+|[^\sa-z0-9'’]", typed.lower())


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """What the learner may change in this lesson."""

    text: str = text(
        "the queen smiled and said she was happy",
        at_least=1,
        at_most=240,
        zh=("句子", "中文按字切分，英文按词切分；最多 24 个词元，边打字边更新"),
        en=("sentence", "English splits into words, Chinese into characters; up to 24 tokens"),
        live=True,
    )
    heads: int = integer(
        4,
        low=1,
        high=4,
        zh=("头数", "几组互相独立的 Q、K、V"),
        en=("heads", "how many independent sets of Q, K and V"),
    )
    size: int = integer(
        8,
        low=2,
        high=128,
        scale="log",
        zh=("每个头的维数 d", "每个查询、键、值向量有几个数"),
        en=("head size d", "how many numbers each query, key and value has"),
    )
    scaled: bool = flag(
        True,
        zh=("除以 √d", "softmax 之前把得分除以 √d"),
        en=("divide by √d", "divide the scores by √d before softmax"),
        live=True,
    )
    causal: bool = flag(
        True,
        zh=("因果掩码", "每个词只能看自己和前面的词"),
        en=("causal mask", "each word may look at itself and backwards only"),
        live=True,
    )
    head: int = integer(
        0,
        low=0,
        high=3,
        zh=("查看第几个头", "从 0 数起；超出时显示最后一个头"),
        en=("head shown", "counted from 0; beyond the last one shows the last"),
        live=True,
    )
    query: int = integer(
        4,
        low=0,
        high=MOST_TOKENS - 1,
        zh=("正在看的词", "从 0 数起的位置，也可以直接点句子里的词"),
        en=("word that looks", "its position counted from 0; or click a word in the sentence"),
        live=True,
    )
    learning_rate: float = number(
        0.02,
        low=1e-4,
        high=0.5,
        scale="log",
        zh=("学习率", "AdamW 每一步走多大"),
        en=("learning rate", "how far AdamW moves at each step"),
        live=True,
    )

    def validate(self) -> None:
        """A sentence needs at least one token, and not more than a matrix can show."""
        count = len(split_text(self.text))
        if count == 0:
            raise ParameterError(
                Bilingual("句子里还没有字。", "There is no word in the sentence yet."),
                Bilingual("输入几个字试试。", "Type a few words."),
            )
        if count > MOST_TOKENS:
            raise ParameterError(
                Bilingual(
                    f"这句话有 {count} 个词元，矩阵最多能清楚地显示 {MOST_TOKENS} 个。",
                    f"This sentence has {count} tokens; the matrices stay readable up to {MOST_TOKENS}.",
                ),
                Bilingual("截短一些再试。", "Try a shorter sentence."),
            )


SCALARS = (
    scalar(
        "loss",
        "损失",
        "loss",
        help_zh="预测下一个词的平均负对数概率，练习句和你的句子一起算",
        help_en="mean negative log-probability of the next word, practice sentences and yours",
        unit="nat",
        better="lower",
        term="cross-entropy",
    ),
    scalar(
        "text_loss",
        "你的句子的损失",
        "loss on your sentence",
        help_zh="只在你输入的句子上算",
        help_en="on the sentence you typed alone",
        unit="nat",
        better="lower",
        term="cross-entropy",
    ),
    scalar(
        "pronoun",
        "代词猜对的概率",
        "probability of the right pronoun",
        help_zh="在练习句里，“说”/“said”之后给正确的他/她/he/she 的平均概率",
        help_en="mean probability of he, she，他 or 她 where it is right, after “said” or “说”",
        better="higher",
    ),
    scalar(
        "entropy",
        "注意力的熵",
        "entropy of attention",
        help_zh="你的句子里每行权重的熵的平均；0 表示只看一个词",
        help_en="mean entropy of a row of weights in your sentence; 0 means one word gets it all",
        unit="nat",
    ),
    scalar(
        "peak",
        "最大的权重",
        "largest weight",
        help_zh="每一行最大的权重，取平均",
        help_en="the largest weight of each row, averaged",
    ),
    scalar(
        "max_difference",
        "与 torch 的最大差",
        "difference from torch",
        help_zh="与 scaled_dot_product_attention 的结果逐个比较，最大的差的绝对值",
        help_en="largest absolute difference from scaled_dot_product_attention, element by element",
        log=True,
    ),
)
