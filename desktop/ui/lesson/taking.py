"""What a learner takes along or brings: the code, a shared experiment, a trained model.

Imports Qt, the engine's loader and recipes (neither imports torch before the experiment has) and the
strings.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtWidgets import QFileDialog

from desktop.bilingual import GlassboxError
from desktop.engine.loading import load_parameters
from desktop.engine.recipe import Recipe
from desktop.ui.lesson.deeds import can_keep
from desktop.ui.lesson.links import index_of
from desktop.ui.strings import tr

if TYPE_CHECKING:
    from desktop.ui.lesson.lesson_view import LessonView


class TakingAway(QObject):
    """Code, sharing and keeping, for one lesson view."""

    def __init__(self, view: LessonView) -> None:
        super().__init__(view)
        self._view = view

    def show_code(self, on: bool) -> None:
        """Show the running source in place of the panels, or the panels again."""
        self._view.header.code.setChecked(on)
        self._view.pages.setCurrentWidget(self._view.code if on else self._view.panels)
        if on:
            self._view.session.request_script()

    def open_recipe(self, recipe: Recipe) -> None:
        """Rebuild a shared experiment, in its lesson; what is open stays if that cannot be done."""
        try:
            lesson = self._view.course.lesson(recipe.lesson)
            declared, _scalars = load_parameters(lesson.folder)
            settings = declared.from_json(recipe.parameters)
        except GlassboxError as error:
            self._view.error.show_error(error)
            return
        known = recipe.place in {step.id for step in lesson.steps}
        if self._view.lesson is None or self._view.lesson.slug != lesson.slug:
            self._view.open(lesson.slug, recipe.place if known else None, settings, recipe.seed)
            self._view.session.pause()
        elif known:
            self._view.turn_to(index_of(lesson, recipe.place))
        self._view.session.open_recipe(recipe)

    def give(self, recipe: Recipe) -> None:
        """The recipe that was asked for, with the place in the lesson where it was asked for."""
        if (lesson := self._view.lesson) is not None:
            recipe = replace(recipe, place=lesson.steps[self._view.index].id)
        self._view.sharing.take_recipe(recipe)

    def tell_reopened(self, exact: bool) -> None:
        """A shared experiment stands where it was saved."""
        self._view.toast.emit(tr("lesson_view.reopened" if exact else "lesson_view.reopened_other"))

    def offer_keeping(self, slug: str) -> None:
        """The experiment has been imported by now, so looking at its class costs nothing."""
        if self._view.lesson is not None and self._view.lesson.slug == slug:
            self._view.header.keep.setVisible(can_keep(self._view.lesson.folder))

    def ask_where_to_keep(self) -> None:
        """Choose the folder, then have the model written."""
        documents = QStandardPaths.writableLocation(
            QStandardPaths.StandardLocation.DocumentsLocation
        )
        path, _kind = QFileDialog.getSaveFileName(
            self._view, tr("lesson_view.keep"), str(Path(documents) / "glassbox-gpt")
        )
        if path:
            self._view.session.keep(Path(path))

    def tell_kept(self, folder: Path) -> None:
        """The model is on the disk."""
        self._view.toast.emit(tr("lesson_view.kept", name=folder.name))
