"""Hears what a second start hands to the first window (see ``desktop.instance``).

The folder is watched by the operating system, so an idle window costs nothing; where watching is not
possible it is looked at once a second. Imports Qt and ``desktop.instance``.
"""

from __future__ import annotations

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from desktop.instance import FirstWindow

LOOK_MS = 1000


class Wishes(QObject):
    """Emits ``asked`` with every ``Wish``, in the interface thread."""

    asked = Signal(object)

    def __init__(self, first: FirstWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._first = first
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._look)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        if not first.folder.is_dir():
            return
        if not self._watcher.addPath(str(first.folder)):
            self._timer.start()
        QTimer.singleShot(0, self._look)  # one may have come while this process was starting

    def close(self) -> None:
        """Stop looking."""
        self._timer.stop()
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())

    def _look(self) -> None:
        for wish in self._first.wishes():
            self.asked.emit(wish)
