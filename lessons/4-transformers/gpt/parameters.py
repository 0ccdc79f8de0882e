"""Controls and scalars of the GPT lesson. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from desktop.bilingual import Bilingual
from desktop.engine.parameters import (
    ParameterError,
    ParameterSet,
    choice,
    integer,
    number,
    scalar,
    text,
)

SHORTEST_TEXT = 500
"""Less than this cannot be cut into a part to train on and a part to hold out."""


def _sizes(*values: int) -> dict[str, tuple[str, str]]:
    return {str(value): (str(value), str(value)) for value in values}


@dataclass(frozen=True)
class Parameters(ParameterSet):
    """What the learner may change in this lesson."""

    language: str = choice(
        "en",
        {"en": ("英文", "English"), "zh": ("中文", "Chinese")},
        zh=("课程文本", "机器人小盒的故事，中文或英文"),
        en=("course text", "the stories of the robot Pip, in English or in Chinese"),
    )
    own_text: str = text(
        "",
        at_most=200_000,
        multiline=True,
        zh=("自己的文本", f"留空就用课程文本；至少 {SHORTEST_TEXT} 个字符"),
        en=("your own text", f"empty means the course text; at least {SHORTEST_TEXT} characters"),
    )
    tokenizer: str = choice(
        "characters",
        {"characters": ("单个字符", "characters"), "bpe": ("字节对（BPE）", "byte pairs (BPE)")},
        zh=("词元", "模型一次读写的单位"),
        en=("tokens", "the pieces that the model reads and writes"),
    )
    vocabulary: int = integer(
        512,
        low=260,
        high=4000,
        scale="log",
        zh=("BPE 词表大小", "只对字节对起作用；256 个字节再加上合并出来的词元"),
        en=("BPE vocabulary", "for byte pairs only: 256 bytes and the merges"),
    )
    layers: int = integer(
        2, low=1, high=8, zh=("层数", "Phi 块的个数"), en=("layers", "how many Phi blocks")
    )
    heads: str = choice(
        "4",
        _sizes(1, 2, 4, 8),
        zh=("头数", "每层的注意力头"),
        en=("heads", "attention heads in a layer"),
    )
    width: str = choice(
        "96",
        _sizes(32, 64, 96, 128, 192, 256),
        zh=("宽度", "每个词元用多少个数表示"),
        en=("width", "how many numbers stand for a token"),
    )
    context: int = integer(
        48,
        low=8,
        high=256,
        scale="log",
        zh=("上下文（词元）", "预测时最多往回看多少个词元"),
        en=("context (tokens)", "how many tokens the model sees at most"),
    )
    batch: int = integer(
        16,
        low=1,
        high=64,
        scale="log",
        zh=("批大小", "每一步同时读几段文字"),
        en=("batch size", "how many passages are read in one step"),
    )
    learning_rate: float = number(
        0.003,
        low=1e-5,
        high=1.0,
        scale="log",
        zh=("学习率", "AdamW 每一步走多大"),
        en=("learning rate", "how far AdamW moves at each step"),
        live=True,
    )
    prompt: str = text(
        "",
        at_most=120,
        zh=("开头", "让模型接着写的文字，也是注意力矩阵里的文字；留空就用一句合适的"),
        en=(
            "prompt",
            "what the model continues and whose attention is shown; empty means a fitting one",
        ),
        live=True,
    )
    temperature: float = number(
        0.8,
        low=0.0,
        high=2.0,
        zh=("温度", "0 总选最可能的；越高越随意"),
        en=("temperature", "0 always takes the likeliest; higher is freer"),
        live=True,
    )
    head: int = integer(
        0,
        low=0,
        high=63,
        zh=("查看哪个头", "从第 0 层第 0 头数起，数过所有层；也可以直接点"),
        en=("head shown", "counted through all layers from 0; or click one"),
        live=True,
    )

    def validate(self) -> None:
        """The learner's own text must be long enough to learn from."""
        if self.own_text and len(self.own_text) < SHORTEST_TEXT:
            raise ParameterError(
                Bilingual(
                    f"这段文字只有 {len(self.own_text)} 个字符，太短了，学不出东西。",
                    f"This text has only {len(self.own_text)} characters, too few to learn from.",
                ),
                Bilingual(
                    f"至少需要 {SHORTEST_TEXT} 个字符；留空就用课程文本。",
                    f"It takes at least {SHORTEST_TEXT}; leave it empty for the course text.",
                ),
            )


SCALARS = (
    scalar(
        "loss",
        "这一批的损失",
        "loss of this batch",
        help_zh="这一步读到的文字上，下一个词元的平均负对数概率",
        help_en="mean negative log-probability of the next token in the passages of this step",
        unit="nat",
        better="lower",
        term="cross-entropy",
    ),
    scalar(
        "train_loss",
        "训练文本的损失",
        "loss on training text",
        help_zh="训练部分中固定的几段；每 10 步量一次，中间沿用上一次的值",
        help_en="on fixed passages of the training part; measured every 10 steps, held in between",
        unit="nat",
        better="lower",
        term="cross-entropy",
    ),
    scalar(
        "heldout_loss",
        "留出文本的损失",
        "loss on held-out text",
        help_zh="从不参与训练的最后一成文字；每 10 步量一次，中间沿用上一次的值",
        help_en="on the last tenth of the text, which is never trained on; measured every 10 steps, held in between",
        unit="nat",
        better="lower",
        term="validation-set",
    ),
    scalar(
        "train_perplexity",
        "训练文本的困惑度",
        "perplexity on training text",
        help_zh="exp（训练文本的损失）",
        help_en="exp of the loss on training text",
        better="lower",
        log=True,
        term="perplexity",
    ),
    scalar(
        "heldout_perplexity",
        "留出文本的困惑度",
        "perplexity on held-out text",
        help_zh="exp（留出文本的损失）：模型好像在这么多个词元之间拿不定主意",
        help_en="exp of the loss on held-out text: as if wavering between this many tokens",
        better="lower",
        log=True,
        term="perplexity",
    ),
    scalar(
        "gradient",
        "梯度的长度",
        "length of the gradient",
        help_zh="截短之前，所有参数的梯度合在一起的长度",
        help_en="over all parameters together, before it is cut to length",
        log=True,
        term="gradient",
    ),
)
