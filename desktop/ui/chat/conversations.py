"""The conversations: searched, opened, renamed, deleted, exported.

Imports Qt, the course's chats and strings; no torch.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QInputDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from desktop.course.chats import Found
from desktop.ui.chat.controller import ChatController
from desktop.ui.chat.page import ChatPage
from desktop.ui.icons import icon
from desktop.ui.lesson.look import button, label
from desktop.ui.plain import plain_tip
from desktop.ui.strings import tr
from desktop.ui.theme import palette, theme

ID, SNIPPET = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class ConversationsPage(ChatPage):
    """``opened(id)``, ``deleted(id)``, ``export_wanted(id)``."""

    opened = Signal(int)
    deleted = Signal(int)
    export_wanted = Signal(int)
    title_key = "chat_list.title"

    def __init__(self, controller: ChatController) -> None:
        super().__init__()
        self._controller = controller
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self.fill)
        self.list = _List()
        self.list.setProperty("kind", "items")
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.itemActivated.connect(self._open)
        self.list.itemClicked.connect(self._open)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu_at)
        self.list.menu_wanted.connect(self._menu_of_current)
        self.list.delete_wanted.connect(self._delete)
        self.list.rename_wanted.connect(self._rename)
        self._empty = label("muted", wrap=True)
        self._hint = label("small", wrap=True)
        self.more = button("", self._menu_of_current)
        self.body.addWidget(self.filter)
        self.body.addWidget(self._empty)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self._hint)
        self.body.addWidget(self.more)
        self.body.addStretch(0)
        controller.list_changed.connect(self.fill)
        self.retranslate()

    def fill(self) -> None:
        """Show what the search finds."""
        if self.isHidden() and self.list.count():
            return
        wanted = self.filter.text()
        found = [one for one in self._controller.chats.search(wanted) if self._worth(one)]
        self.list.clear()
        for one in found:
            name = self._controller.chats.title(one.conversation) or tr("chat_list.untitled")
            item = QListWidgetItem(name)
            item.setData(ID, one.conversation.id)
            said_already = not wanted.strip() or one.snippet == name
            item.setData(SNIPPET, "" if said_already else one.snippet)
            item.setToolTip(plain_tip(name))
            self.list.addItem(item)
            if one.conversation.id == self._controller.conversation.id:
                self.list.setCurrentItem(item)
        self._empty.setVisible(not found)
        self._empty.setText(
            tr("chat_list.nothing", text=wanted) if wanted.strip() else tr("chat_list.empty")
        )
        self.list.setVisible(bool(found))
        self.more.setVisible(bool(found))
        self._hint.setVisible(bool(found))

    def _worth(self, found: Found) -> bool:
        """An empty conversation is only listed when it has a draft or is open."""
        one = found.conversation
        return bool(one.leaf or one.draft or one.title)

    def showEvent(self, event: object) -> None:
        self.fill()
        self.filter.setFocus()

    # ---- what is done with one

    def _id(self) -> int:
        item = self.list.currentItem()
        return int(item.data(ID)) if item is not None else 0

    def _open(self, item: QListWidgetItem) -> None:
        self.opened.emit(int(item.data(ID)))

    def _menu_at(self, point: QPoint) -> None:
        if self.list.itemAt(point) is not None:
            self._menu(self.list.viewport().mapToGlobal(point))

    def _menu_of_current(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            corner = self.list.visualItemRect(item).bottomLeft()
            self._menu(self.list.viewport().mapToGlobal(corner))

    def _menu(self, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, name, handler in (
            ("rename", "edit", self._rename),
            ("export", "export", self._export),
            ("delete", "close", self._delete),
        ):
            action = menu.addAction(icon(name), tr(f"chat_list.{key}"))
            action.triggered.connect(handler)
        menu.popup(point)

    def _rename(self) -> None:
        number = self._id()
        if not number:
            return
        item = self.list.currentItem()
        dialog = QInputDialog(self)
        dialog.setWindowTitle(tr("chat_list.rename"))
        dialog.setLabelText(tr("chat_list.new_name"))
        dialog.setTextValue(item.text())
        dialog.setOkButtonText(tr("chat_list.rename_yes"))
        dialog.setCancelButtonText(tr("chat.cancel"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(lambda text: self._controller.rename(number, text))
        dialog.open()

    def _export(self) -> None:
        if self._id():
            self.export_wanted.emit(self._id())

    def _delete(self) -> None:
        if self._id():
            self.deleted.emit(self._id())

    def retranslate(self) -> None:
        super().retranslate()
        self.filter.setPlaceholderText(tr("chat_list.search"))
        self.filter.setAccessibleName(tr("chat_list.search"))
        self.list.setAccessibleName(tr("chat_list.title"))
        self._hint.setText(tr("chat_list.keys"))
        self.more.setText(tr("chat_list.more"))
        self.fill()


class _List(QListWidget):
    menu_wanted = Signal()
    delete_wanted = Signal()
    rename_wanted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        elif event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit()
        elif event.key() == Qt.Key.Key_Menu:
            self.menu_wanted.emit()
        else:
            super().keyPressEvent(event)


class _Delegate(QStyledItemDelegate):
    """A title, and where the search found its words."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        lines = 2 if index.data(SNIPPET) else 1
        return QSize(100, lines * (option.fontMetrics.height() + 2) + theme().pixels(12))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        snippet = str(index.data(SNIPPET) or "")
        if not snippet:
            super().paint(painter, option, index)
            return
        name = str(index.data(Qt.ItemDataRole.DisplayRole))
        self.initStyleOption(option, index)
        option.text = ""
        option.widget.style().drawControl(
            option.widget.style().ControlElement.CE_ItemViewItem,
            option,
            painter,
            option.widget,
        )
        rect = option.rect.adjusted(12, 4, -8, -4)
        metrics = option.fontMetrics
        height = metrics.height() + 2
        elide = Qt.TextElideMode.ElideRight
        painter.setPen(palette().color("ink"))
        top = rect.adjusted(0, 0, 0, height - rect.height())
        painter.drawText(top, 0, metrics.elidedText(name, elide, rect.width()))
        painter.setPen(palette().color("muted"))
        below = rect.adjusted(0, height, 0, 0)
        painter.drawText(below, 0, metrics.elidedText(snippet, elide, rect.width()))
