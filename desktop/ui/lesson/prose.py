"""The left column: which step this is, its prose, its checks, and the way on.

Imports Qt, the typesetter, the cards and the strings.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop.course.lesson import Goal, Lesson, Prediction, Step
from desktop.course.store import Answer
from desktop.engine.parameters import ScalarSpec
from desktop.ui.lesson.check_card import CheckCard
from desktop.ui.lesson.goal_card import GoalCard
from desktop.ui.lesson.look import label
from desktop.ui.lesson.prediction_card import PredictionCard
from desktop.ui.lesson.prose_text import ProseText, TermTip
from desktop.ui.lesson.steps_bar import StepsBar
from desktop.ui.markdown import spaced
from desktop.ui.strings import language, pick, tr

NARROWEST, WIDEST = 360, 440


class ReadingArea(QScrollArea):
    """Scrolls down only, and leaves Space and the sideways arrows to the lesson."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_Up, Qt.Key.Key_Down):
            super().keyPressEvent(event)
        else:
            event.ignore()


class ProseColumn(QWidget):
    """One step at a time."""

    link_chosen = Signal(object)
    step_chosen = Signal(int)
    lesson_left = Signal()
    committed = Signal(object)
    settled = Signal(str, str, str)
    goal_reached = Signal(str)
    solution_wanted = Signal(object)

    def __init__(self, term_tip: TermTip) -> None:
        super().__init__()
        self._lesson: Lesson | None = None
        self._index = 0
        self.cards: list[CheckCard] = []
        self.place = label("section")
        self.title = label("step-title", wrap=True)
        self.text = ProseText(term_tip)
        self.text.link_chosen.connect(self.link_chosen)
        self.steps = StepsBar()
        self.steps.chosen.connect(self.step_chosen)
        self.steps.left_lesson.connect(self.lesson_left)
        page = QWidget()
        page.setObjectName("ProsePage")
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(2, 2, 12, 8)
        self._column.setSpacing(4)
        self._column.addWidget(self.place)
        self._column.addWidget(self.title)
        self._column.addSpacing(8)
        self._column.addWidget(self.text)
        self._cards = QVBoxLayout()
        self._cards.setSpacing(10)
        self._cards.setContentsMargins(0, 8, 0, 0)
        self._column.addLayout(self._cards)
        self._column.addStretch(1)
        self.area = ReadingArea()
        self.area.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.area, 1)
        whole.addWidget(self.steps)

    # ---- contents

    def show_lesson(self, lesson: Lesson, visited: set[str], has_following: bool) -> None:
        """Another lesson; ``show_step`` follows."""
        self._lesson = lesson
        self.steps.set_steps(lesson.steps, visited, has_following)

    def show_step(
        self, index: int, answers: Mapping[str, Answer], scalars: tuple[ScalarSpec, ...]
    ) -> None:
        """The prose and the checks of one step."""
        assert self._lesson is not None
        self._index = index
        self._replace_cards(self._lesson.steps[index], answers, scalars)
        self.steps.show_step(index)
        self.retranslate()
        self._weigh()
        self.area.verticalScrollBar().setValue(0)

    def _replace_cards(
        self, step: Step, answers: Mapping[str, Answer], scalars: tuple[ScalarSpec, ...]
    ) -> None:
        for old in self.cards:
            self._cards.removeWidget(old)
            old.hide()
            old.setParent(None)
            old.deleteLater()
        self.cards = []
        for check in step.checks:
            answer = answers.get(check.id)
            card = (
                self._prediction(check, answer)
                if isinstance(check, Prediction)
                else self._goal(check, answer, scalars)
            )
            card.state_changed.connect(self._weigh)
            self._cards.addWidget(card)
            self.cards.append(card)

    def _prediction(self, check: Prediction, answer: Answer | None) -> CheckCard:
        card = PredictionCard(check, answer)
        card.committed.connect(self.committed)
        card.settled.connect(lambda given, truth: self.settled.emit(check.id, given, truth))
        return card

    def _goal(
        self, check: Goal, answer: Answer | None, scalars: tuple[ScalarSpec, ...]
    ) -> CheckCard:
        card = GoalCard(check, answer, scalars)
        card.reached.connect(lambda: self.goal_reached.emit(check.id))
        card.solution_wanted.connect(self.solution_wanted)
        return card

    def _weigh(self) -> None:
        """One main action: an open question on the page, otherwise going on."""
        self.steps.set_primary(not any(card.open_question for card in self.cards))

    @property
    def step(self) -> Step | None:
        """The step shown."""
        return self._lesson.steps[self._index] if self._lesson else None

    def show_card(self, card: CheckCard) -> None:
        """Scroll so that ``card`` can be seen, once it has been laid out."""
        QTimer.singleShot(0, card, lambda: self.area.ensureWidgetVisible(card, 0, 12))

    def predictions(self) -> list[PredictionCard]:
        """The prediction cards on the page."""
        return [card for card in self.cards if isinstance(card, PredictionCard)]

    def goals(self) -> list[GoalCard]:
        """The goal cards on the page."""
        return [card for card in self.cards if isinstance(card, GoalCard)]

    def retranslate(self) -> None:
        """All texts in the language in force."""
        step = self.step
        if step is None or self._lesson is None:
            return
        self.place.setText(
            tr("lesson_view.place", number=self._index + 1, count=len(self._lesson.steps))
        )
        self.title.setText(spaced(pick(step.title)))
        self.text.setAccessibleName(pick(step.title))
        self.text.show_markdown(step.markdown[language().current])
        for card in self.cards:
            card.retranslate()
        self.steps.retranslate()

    def refresh(self) -> None:
        """Theme or text size changed."""
        self.text.refresh()
