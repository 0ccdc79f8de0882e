"""``glassbox shot``: a picture of the real window in a named state, also without a screen.

The window is opened as for a learner, brought to the lesson, step and moment asked for, and painted
into a PNG. With ``--step`` the picture is the same every time, because experiments are deterministic.
Imports Qt only in ``run``.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.arguments import Parser, whole
from desktop.commands.output import Output
from desktop.commands.windows import choose_platform, opened, pass_time, size, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.app import Glassbox
    from desktop.ui.chat.pane import ChatPane

PAGES = ("glossary", "settings", "models")
LOADING_SECONDS = 120.0
RUNNING_SECONDS = 300.0
SETTLE_SECONDS = 0.4
"""Several display refreshes, so that everything shows the last frame."""


def add_arguments(parser: Parser) -> None:
    """What to show, how big, in which look."""
    pick = parser.pick
    parser.add_argument(
        "target",
        metavar="SLUG",
        help=pick(
            "课程名，或 glossary、settings、models",
            "a lesson, or glossary, settings or models",
        ),
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE.png",
        help=pick("图片写到这里", "the picture to write"),
    )
    parser.add_argument(
        "--theme",
        choices=("light", "dark"),
        default="light",
        help=pick("浅色或深色", "light or dark"),
    )
    parser.add_argument(
        "--size",
        type=size,
        default=(1280, 720),
        metavar="WxH",
        help=pick("窗口大小", "size of the window"),
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="F",
        help=pick("屏幕缩放，例如 2", "display scaling, such as 2"),
    )
    parser.add_argument(
        "--lesson-step", metavar="ID", default="", help=pick("课程的哪一步", "which step of it")
    )
    parser.add_argument(
        "--step",
        type=whole(0, 10_000_000),
        metavar="N",
        help=pick("实验走到第 N 步", "once the experiment stands at step N"),
    )
    parser.add_argument(
        "--after",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help=pick("让它运行这么多秒", "after it has run for so long"),
    )
    parser.add_argument(
        "--chat",
        default="",
        metavar="TEXT",
        help=pick("先在对话栏里问这句话", "with the chat open, having asked this"),
    )


def run(arguments: argparse.Namespace) -> int:
    """Open the window, bring it there, write the picture."""
    output: Output = arguments.output
    choose_platform(offscreen=True)
    os.environ["QT_SCALE_FACTOR"] = f"{arguments.scale:g}"
    from desktop.app import Options, check_lesson

    lesson = "" if arguments.target in PAGES else arguments.target
    check_lesson(lesson, arguments.lesson_step)
    data_dir = Path(arguments.data_dir) if arguments.data_dir else None
    options = Options(
        lesson=lesson,
        step=arguments.lesson_step,
        language=arguments.lang or output.language,
        theme=arguments.theme,
        data_dir=data_dir,
    )
    with opened(options, arguments.size) as glassbox:
        from desktop.ui.theme import theme

        theme().set(reduced_motion=True)
        if lesson:
            _bring_to(glassbox, arguments.step, arguments.after)
        elif arguments.target == "models":
            _show_models(glassbox)
        else:
            glassbox.window.show_page(arguments.target)
            pass_time(max(SETTLE_SECONDS, arguments.after))
        if arguments.chat:
            _ask(glassbox, arguments.chat)
        _write(glassbox, Path(arguments.out))
        step = glassbox.session.status.step
    output.data({"what": "shot", "file": arguments.out, "step": step})
    output.say(arguments.out)
    return 0


def _bring_to(glassbox: Glassbox, step: int | None, seconds: float) -> None:
    session = glassbox.session
    shown: list[int] = []
    failed: list[Exception] = []
    session.frame_changed.connect(lambda frame: shown.append(frame.step))
    session.failed.connect(failed.append)
    glassbox.errors.shown.connect(failed.append)

    def has_frame() -> bool:
        if failed:
            raise failed[0]
        return bool(shown)

    wait_until(
        has_frame,
        LOADING_SECONDS,
        Bilingual("实验还没有画出第一帧", "the experiment had not drawn its first frame"),
    )
    if step is not None:
        session.pause()
        pass_time(SETTLE_SECONDS)
        _go_to_step(glassbox, step)
    pass_time(max(SETTLE_SECONDS, seconds))


def _chat(glassbox: Glassbox) -> ChatPane:
    """The chat, open, with the list of models read."""
    listed: list[bool] = []
    glassbox.window.show_chat(True)
    pane = glassbox.window.chat
    assert pane is not None
    pane.shelf.listed.connect(lambda: listed.append(True))
    pane.shelf.look()
    wait_until(
        lambda: bool(listed),
        LOADING_SECONDS,
        Bilingual("模型列表还没有读出来", "the models were not listed"),
    )
    return pane


def _show_models(glassbox: Glassbox) -> None:
    pane = _chat(glassbox)
    pane.show_models()
    pass_time(SETTLE_SECONDS)


def _ask(glassbox: Glassbox, text: str) -> None:
    """Ask the model used last, or the tutor, or any that is installed, and wait for the answer."""
    pane = _chat(glassbox)
    failed: list[Exception] = []
    ended: list[int] = []
    pane.failed.connect(failed.append)
    pane.controller.answer_ended.connect(ended.append)
    session = pane.session
    if session.info is None and session.loading is None:
        usable = [model for model in pane.shelf.models if model.error is None]
        if not usable:
            raise GlassboxError(
                Bilingual("还没有可以对话的模型。", "There is no model to talk to."),
                Bilingual(
                    "先导入一个：glassbox model import。", "Import one: glassbox model import."
                ),
            )
        session.load(usable[0].path)

    def holds(reached: Callable[[], bool]) -> Callable[[], bool]:
        def look() -> bool:
            if failed:
                raise failed[0]
            return reached()

        return look

    wait_until(
        holds(lambda: session.info is not None),
        LOADING_SECONDS,
        Bilingual("模型还没有载入", "the model was not loaded"),
    )
    pane.composer.sent.emit(text)
    wait_until(
        holds(lambda: bool(ended)),
        RUNNING_SECONDS,
        Bilingual("回答还没有写完", "the answer was not finished"),
    )
    pass_time(SETTLE_SECONDS)


def _go_to_step(glassbox: Glassbox, step: int) -> None:
    session = glassbox.session
    if session.status.step > step:
        session.seek(step)
    elif session.status.step < step:
        session.step(step - session.status.step)

    def arrived() -> bool:
        status = session.status
        return (status.step == step or status.finished) and status.busy is None

    wait_until(
        arrived,
        RUNNING_SECONDS,
        Bilingual(f"实验还没有到第 {step} 步", f"the experiment had not reached step {step}"),
    )


def _write(glassbox: Glassbox, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not glassbox.window.grab().save(str(path), "PNG"):
        raise GlassboxError(
            Bilingual(f"图片写不进 {path}。", f"The picture could not be written to {path}."),
            Bilingual(
                "检查文件夹是否存在、可写。", "Check that the folder exists and is writable."
            ),
        )
