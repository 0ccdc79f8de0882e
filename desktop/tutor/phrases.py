"""Ways in which learners ask for the same thing, and how the tutor declines: words for training.

Everything specific stands in the data files; these are the few phrases that fit any term. No torch.
"""

from __future__ import annotations

from desktop.bilingual import Language
from desktop.tutor.answers import Want

ASKING: dict[Language, dict[Want, tuple[str, ...]]] = {
    "zh": {
        "example": (
            "举个{name}的例子",
            "{name}有没有具体的例子？",
            "能给{name}举个例子吗",
            "举例说明{name}",
            "{name}的例子是什么",
        ),
        "mistake": (
            "{name}有什么常见误区？",
            "大家对{name}容易犯什么错",
            "关于{name}最常见的误解是什么",
            "学{name}要避开哪些坑",
        ),
        "short": (
            "一句话解释{name}",
            "{name}，简单点说",
            "用一句话说说什么是{name}",
            "长话短说：{name}",
        ),
    },
    "en": {
        "example": (
            "Give me an example of {name}.",
            "example of {name}?",
            "Can you show a concrete example of {name}?",
            "{name}, for instance?",
        ),
        "mistake": (
            "What do people get wrong about {name}?",
            "common mistake with {name}",
            "Is there a misconception about {name}?",
            "{name}: typical pitfalls?",
        ),
        "short": (
            "{name} in one sentence",
            "Explain {name} briefly.",
            "tl;dr {name}",
            "What is {name}, in a nutshell?",
        ),
    },
}
FOLLOWING: dict[Language, dict[Want, tuple[str, ...]]] = {
    "zh": {
        "example": (
            "举个例子",
            "能举个例子吗？",
            "有例子吗",
            "比如呢？",
            "来个具体的例子",
            "举例说说",
        ),
        "mistake": ("有什么常见误区？", "容易搞错什么", "哪里容易错？", "别人常犯什么错"),
        "short": ("简单点说", "短一点", "太长了，一句话", "一句话总结一下", "能简短些吗"),
    },
    "en": {
        "example": (
            "an example please",
            "Can you give me an example?",
            "example?",
            "show me a concrete example",
            "for instance?",
        ),
        "mistake": ("what do people get wrong?", "Any common mistakes?", "typical pitfalls?"),
        "short": ("shorter please", "in one sentence?", "too long, say it briefly", "tl;dr"),
    },
}
DECLINING: dict[Language, tuple[str, ...]] = {
    "zh": (
        "这超出了这门课的范围，我不想乱编。机器学习、神经网络和语言模型的问题，欢迎问我。",
        "课程里没有讲到这个，我答不了。换一个课程里的问题吧，比如学习率、过拟合或注意力。",
    ),
    "en": (
        "That lies outside this course, and I would rather not guess. "
        "Ask me about machine learning, neural networks or language models.",
        "The course says nothing about that, so I will not make something up. "
        "Try one of its terms, such as learning rate, overfitting or attention.",
    ),
}
"""The tutor's plain words when no passage was found."""
NUMBERS: dict[Language, tuple[tuple[str, str], ...]] = {
    "zh": (
        ("现在{name}是多少？", "现在是第 {step} 步，{name} = {value}。"),
        ("{name}多少了", "现在是第 {step} 步，{name} = {value}。"),
        ("我这里的{name}现在怎么样", "现在是第 {step} 步，{name} = {value}。"),
        ("目前{name}的值", "现在是第 {step} 步，{name} = {value}。"),
    ),
    "en": (
        ("What is the {name} now?", "At step {step}, {name} = {value}."),
        ("current {name}?", "At step {step}, {name} = {value}."),
        ("how is my {name} doing", "At step {step}, {name} = {value}."),
        ("value of {name} right now", "At step {step}, {name} = {value}."),
    ),
}
"""Questions about a number of the open experiment, and their answers."""
TROUBLE: dict[Language, tuple[str, ...]] = {
    "zh": (
        "怎么回事？",
        "为什么坏了",
        "我这里出什么问题了？",
        "现在是怎么了",
        "这个实验哪里不对",
        "为什么会这样？",
        "怎么坏掉的",
        "为什么训练不好",
    ),
    "en": (
        "What went wrong?",
        "why did this break",
        "what is the problem here?",
        "Is something wrong with my run?",
        "what's happening in this experiment",
        "Why does it go wrong?",
        "why does it do that",
        "why is it not learning",
    ),
}
HERE: dict[Language, tuple[str, ...]] = {
    "zh": ("这一步讲什么？", "我现在该做什么", "这里在讲啥", "这一课想说明什么", "这个页面怎么看"),
    "en": (
        "What is this step about?",
        "what should I do here",
        "What am I looking at?",
        "what does this lesson show",
        "explain this page",
    ),
}
SCALAR_NAMES: dict[Language, tuple[str, ...]] = {
    "zh": ("损失", "训练损失", "测试损失", "验证误差", "准确率", "困惑度", "梯度大小", "学习率"),
    "en": (
        "loss",
        "training loss",
        "test loss",
        "validation error",
        "accuracy",
        "perplexity",
        "gradient norm",
        "learning rate",
    ),
}
