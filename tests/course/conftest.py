"""A small valid course in a temporary folder, for the tests to read and to spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

LESSON = """\
order = 1
minutes = 5
title = { zh = "梯度下降", en = "Gradient descent" }
summary = { zh = "沿着损失的坡往下走。", en = "Walk down the slope of the loss." }
steps_per_second = 20
code_note = { zh = "正在运行的代码", en = "The code that runs" }
controls = ["learning_rate"]
terms = ["learning-rate"]

[[panels]]
id = "surface"
item = "surface"
kind = "contour"
title = { zh = "损失", en = "Loss" }
help = { zh = "颜色越深越低。", en = "Darker is lower." }
row = 0
column = 0
gestures = { click = "set:start" }
options = { scalars = ["loss"], log_y = true }

[[steps]]
id = "roll"
preset = { learning_rate = 0.1, start = [1.0, 2.0] }
panels = ["surface"]
autoplay = true

[[steps.predictions]]
id = "too-big"
question = { zh = "会怎样?", en = "What happens?" }
explanation = { zh = "步子太大。", en = "The step was too long." }
runs = [
  { name = "a", parameters = { learning_rate = 0.1 }, steps = 40 },
  { name = "b", parameters = { learning_rate = 1.1 }, steps = 40, seed = 3 },
]
  [[steps.predictions.options]]
  id = "diverges"
  text = { zh = "越走越远", en = "It runs away" }
  when = [ { left = "b.last:loss", op = ">", right = "a.first:loss", times = 2 } ]
  [[steps.predictions.options]]
  id = "arrives"
  text = { zh = "到达谷底", en = "It arrives" }

[[steps]]
id = "reach"

[[steps.goals]]
id = "low"
text = { zh = "把损失降到 0.05 以下", en = "Bring the loss below 0.05" }
when = [ { left = "last:loss", op = "<", right = 0.05 } ]
within_steps = 200
require = { optimizer = ["sgd"] }
solution = { learning_rate = 0.3 }
"""

ZH = """\
## 往下滚 {#roll}

按下[开始](do:set?learning_rate=0.1&play),看小球沿着**梯度**往下滚。[学习率](glossary:learning-rate)决定步长 $\\eta$。

::: mistake
学习率不是越大越好。
:::

## 走到谷底 {#reach}

$$L(w) = w^2$$

再试一次。

::: sources
- [Cauchy 1847](https://example.org/cauchy)
:::
"""

EN = """\
## Roll down {#roll}

Press [start](do:set?learning_rate=0.1&play) and watch the ball follow the **gradient**. The
[learning rate](glossary:learning-rate) is the length of a step, $\\eta$.

::: mistake
A larger learning rate is not always better.
:::

## Reach the valley {#reach}

$$L(w) = w^2$$

Try again.

::: sources
- [Cauchy 1847](https://example.org/cauchy)
:::
"""

TERMS = """\
[learning-rate]
name = { zh = "学习率", en = "learning rate" }
aliases = ["lr", "step size"]
definition = { zh = "每一步走多远。", en = "How far each step goes." }
lessons = ["gradient-descent"]
"""


@pytest.fixture
def lesson_folder(tmp_path: Path) -> Path:
    """``lessons/1-learning/gradient-descent`` with ``resources/glossary`` beside ``lessons``."""
    folder = tmp_path / "lessons" / "1-learning" / "gradient-descent"
    folder.mkdir(parents=True)
    (folder / "lesson.toml").write_text(LESSON, encoding="utf-8")
    (folder / "zh.md").write_text(ZH, encoding="utf-8")
    (folder / "en.md").write_text(EN, encoding="utf-8")
    (folder.parent / "chapter.toml").write_text(
        'title = { zh = "学习", en = "Learning" }\n', encoding="utf-8"
    )
    glossary = tmp_path / "resources" / "glossary"
    glossary.mkdir(parents=True)
    (glossary / "terms.toml").write_text(TERMS, encoding="utf-8")
    return folder


@pytest.fixture
def course_root(lesson_folder: Path) -> Path:
    """The ``lessons`` folder of the small course."""
    return lesson_folder.parent.parent
