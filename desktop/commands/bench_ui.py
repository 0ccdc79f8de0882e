"""``glassbox bench ui``: does the interface stay smooth while an experiment trains at full speed and
the chat writes beside it?

The real window shows the playground with six layers of eight neurons, training as fast as it can and
drawing every panel of the step. In the chat a model answers one question after the other: the built-in
tutor, or any other with ``--chat``; ``random`` makes one up that has the tutor's size. A 1 ms timer in the interface thread notes when it is served; a gap
between two ticks is time in which the window could not have answered. The first second (torch loading,
first layout) is left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from desktop.bilingual import Bilingual
from desktop.commands.arguments import Parser
from desktop.commands.output import Output
from desktop.commands.windows import choose_platform, opened, pass_time, wait_until

if TYPE_CHECKING:
    from desktop.app import Glassbox

LESSON = "playground"
LAYERS = (8,) * 6
TUTOR = "tutor"
QUESTION = "What does a learning rate do? 学习率是什么？"
ANSWER = 400
"""Tokens of an answer at most."""
LOADING_SECONDS = 120.0
TICK_MS = 1
SIZE = (1280, 720)


def add_arguments(parser: Parser) -> None:
    """How long to watch."""
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        metavar="S",
        help=parser.pick("测量多少秒", "how many seconds to watch"),
    )
    parser.add_argument(
        "--lesson", default=LESSON, metavar="SLUG", help=parser.pick("哪一课", "which lesson")
    )
    parser.add_argument(
        "--chat",
        default=TUTOR,
        metavar="tutor|random|off|NAME|PATH",
        help=parser.pick(
            "同时在对话里书写的模型（默认：自带的助教）",
            "the model that writes in the chat meanwhile (the tutor)",
        ),
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch the timer while the lesson trains."""
    output: Output = arguments.output
    choose_platform()
    from PySide6.QtGui import QGuiApplication

    from desktop.app import Options, check_lesson

    check_lesson(arguments.lesson, "")
    with (
        tempfile.TemporaryDirectory(prefix="glassbox-model-", ignore_cleanup_errors=True) as spare,
        opened(Options(lesson=arguments.lesson), SIZE) as glassbox,
    ):
        model = _chat_model(arguments.chat, arguments.data_dir, Path(spare))
        _set_going(glassbox, arguments.lesson)
        tokens = _set_writing(glassbox, model) if model is not None else []
        pass_time(1.0)
        frames: list[int] = []
        glassbox.session.frame_changed.connect(lambda frame: frames.append(frame.step))
        _repeat(glassbox)
        first_step, first_token = glassbox.session.status.step, len(tokens)
        gaps = _tick_gaps(arguments.seconds)
        trained = sum(max(0, to - at) for at, to in pairwise([first_step, *frames]))
        written = len(tokens) - first_token
        streaming = _streaming(glassbox)
        platform = QGuiApplication.platformName()
    figures = {
        "p50_ms": float(np.percentile(gaps, 50)),
        "p99_ms": float(np.percentile(gaps, 99)),
        "max_ms": float(np.max(gaps)),
        "frames_per_s": len(frames) / arguments.seconds,
        "steps_per_s": trained / arguments.seconds,
        **({"chat_tokens_per_s": written / arguments.seconds} if model is not None else {}),
    }
    output.data(
        {
            "what": "ui",
            "device": "cpu",
            "platform": platform,
            "lesson": arguments.lesson,
            "chat": streaming,
            "threads": os.cpu_count(),
            "repeats": 1,
            "seconds": arguments.seconds,
            "ticks": len(gaps),
            **{name: _single(value) for name, value in figures.items()},
        }
    )
    output.say(f"chat: {streaming or 'off'}")
    for name, value in figures.items():
        output.say(f"{name}: {value:.2f}")
    return 0


def _single(value: float) -> dict[str, float]:
    return dict.fromkeys(("median", "min", "max"), round(value, 3))


def _set_going(glassbox: Glassbox, lesson: str) -> None:
    session = glassbox.session
    wait_until(
        lambda: session.status.lesson == lesson and bool(session.status.runs),
        LOADING_SECONDS,
        Bilingual("课程还没有打开", "the lesson was not open"),
    )
    if lesson == LESSON:
        session.set_parameters(hidden=LAYERS)
    session.set_speed(0)
    session.play()
    wait_until(
        lambda: session.status.playing and session.status.step > 0,
        LOADING_SECONDS,
        Bilingual("训练还没有开始", "training had not begun"),
    )


def _repeat(glassbox: Glassbox) -> None:
    """Whenever the experiment has come to its end, start it again."""
    from desktop.runtime.messages import Status

    session = glassbox.session

    def begin_again(status: Status) -> None:
        if status.finished and not status.playing:
            session.reset()
            session.play()

    session.status_changed.connect(begin_again)
    begin_again(session.status)


def _chat_model(wanted: str, data_dir: str | None, spare: Path) -> Path | None:
    """The folder or file of the model that is to write; ``None`` for none."""
    if wanted == "off":
        return None
    if wanted == TUTOR:
        from desktop.tutor import model_folder

        if model_folder().is_dir():
            return model_folder()
    if wanted in (TUTOR, "random"):
        return _random_model(spare / "random")
    from desktop.commands.chat import find_model

    return find_model(wanted, data_dir)


def _random_model(folder: Path) -> Path:
    """Untrained, but of the tutor's size: 8 layers, about ten million weights."""
    import torch

    from desktop.llm import model_folder
    from desktop.llm.phi import Phi, PhiConfig, initialise
    from desktop.llm.tokenizer import Tokenizer

    model = Phi(PhiConfig(4096, 320, 1280, 8, 5, 5, 1024))
    initialise(model, torch.Generator().manual_seed(0))
    characters = [chr(code) for code in (*range(32, 127), *range(0x4E00, 0x4E00 + 3900))]
    model_folder.save(folder, model, Tokenizer.characters("".join(characters)))
    return folder


def _set_writing(glassbox: Glassbox, model: Path) -> list[object]:
    """Open the chat, load the model and ask again whenever an answer ends; the list fills with what
    is written."""
    glassbox.window.show_chat(True)
    from PySide6.QtCore import QTimer

    chat = glassbox.chat
    assert chat is not None
    tokens: list[object] = []

    def ask() -> None:
        chat.controller.set_settings(replace(chat.controller.settings, max_tokens=ANSWER))
        chat.controller.send(QUESTION)

    chat.session.load(model)
    wait_until(
        lambda: chat.session.info is not None and chat.session.info.path == model,
        LOADING_SECONDS,
        Bilingual("模型还没有载入", "the model was not loaded"),
    )
    chat.session.tokens_came.connect(lambda _, new: tokens.extend(new))
    chat.controller.answer_ended.connect(lambda _: QTimer.singleShot(0, chat, ask))
    ask()
    wait_until(
        lambda: bool(tokens),
        LOADING_SECONDS,
        Bilingual("对话还没有开始书写", "the chat had not begun to write"),
    )
    return tokens


def _streaming(glassbox: Glassbox) -> str:
    """What was writing, in words."""
    info = glassbox.chat.session.info if glassbox.chat is not None else None
    return "" if info is None else f"{info.name}, {info.parameters / 1e6:.1f} M"


def _tick_gaps(seconds: float) -> Sequence[float]:
    from PySide6.QtCore import QEventLoop, Qt, QTimer

    ticks: list[float] = []
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    end = time.perf_counter() + seconds

    def tick() -> None:
        now = time.perf_counter()
        ticks.append(now)
        if now >= end:
            loop.quit()

    timer.timeout.connect(tick)
    timer.start(TICK_MS)
    loop.exec()
    timer.stop()
    return list(np.diff(ticks) * 1000.0)
