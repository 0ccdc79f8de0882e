"""The card on the models page that offers Phi-2: terms first, then a download that can be watched.

It changes nothing by itself: every step is a click. The work is ``runtime.model_download``'s.
Imports Qt, the runtime and strings; no torch and no network.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from desktop.course.store import Store
from desktop.llm.hub import Connection
from desktop.runtime.model_download import ModelDownload
from desktop.ui.chat.numbers import duration, size
from desktop.ui.lesson.look import button, label
from desktop.ui.strings import language, pick, tr

ENDPOINT, PROXY = "models.endpoint", "models.proxy"
RUNNING = ("asking", "fetching")


class DownloadCard(QFrame):
    """``convert_wanted`` when everything has come: at the end of a download, or by its button."""

    convert_wanted = Signal()

    def __init__(self, download: ModelDownload, store: Store) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._download, self._store = download, store
        self._installed = self._converting = self._source_open = False
        self._bits = 4
        self._shown = download.state
        self._title = label("heading")
        self.text, self.facts = label("small", wrap=True), label("small", wrap=True)
        self.error, self._hint = label("bad", wrap=True), label("small", wrap=True)
        self.bar, self.pace = QProgressBar(), label("small", wrap=True)
        self.bar.setTextVisible(False)
        self.source_button = button("link", self._show_source)
        self.source = self._make_source()
        self.main = button("primary", self._go)
        self.stop = button("", download.pause)
        self.discard = button("quiet", self._discard)
        self._lay_out()
        download.changed.connect(self.refresh)
        language().changed.connect(self.retranslate)
        self.retranslate()

    def _make_source(self) -> QWidget:
        made = QWidget()
        form = QFormLayout(made)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self.endpoint, self.proxy = QLineEdit(), QLineEdit()
        self._endpoint_name, self._proxy_name = label("small"), label("small")
        for field, key, name in (
            (self.endpoint, ENDPOINT, self._endpoint_name),
            (self.proxy, PROXY, self._proxy_name),
        ):
            field.setText(self._store.setting(key, ""))
            field.editingFinished.connect(self._keep_source)
            form.addRow(name, field)
        return made

    def _lay_out(self) -> None:
        body = QVBoxLayout(self)
        body.setContentsMargins(12, 10, 12, 10)
        body.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(6)
        for one in (self.main, self.stop, self.discard):
            row.addWidget(one)
        row.addStretch(1)
        parts: tuple[QWidget, ...] = (self._title, self.text, self.facts, self.bar, self.pace)
        parts += (self.error, self._hint, self.source_button, self.source)
        for widget in parts:
            body.addWidget(widget)
        body.addLayout(row)

    # ---- what is known

    def show_installed(self, installed: bool) -> None:
        """Where the model is there already, nothing is offered."""
        self._installed = installed
        self.refresh()

    def show_converting(self, converting: bool) -> None:
        """What came is being imported."""
        self._converting = converting
        self.refresh()

    def show_bits(self, bits: int) -> None:
        """To how many bits it will be converted."""
        self._bits = bits
        self.refresh()

    # ---- clicks

    def _go(self) -> None:
        state, where = self._download.state, (self.endpoint.text(), self.proxy.text())
        if state == "fetched":
            self.convert_wanted.emit()
        elif state in ("offered", "paused") or self._download.here or self._download.offer:
            self._download.fetch(*where)
        else:
            self._download.ask(*where)

    def _discard(self) -> None:
        self._download.discard()

    def _show_source(self) -> None:
        self._source_open = not self._source_open
        self.refresh()

    def _keep_source(self) -> None:
        kept = [self._store.setting(key, "") for key in (ENDPOINT, PROXY)]
        if kept == [self.endpoint.text(), self.proxy.text()]:
            return
        self._store.set_setting(ENDPOINT, self.endpoint.text())
        self._store.set_setting(PROXY, self.proxy.text())
        if self._download.state == "offered":  # another server may say something else
            self._download.forget()

    # ---- showing

    def refresh(self) -> None:
        """Show how the download stands."""
        download, state = self._download, self._download.state
        before, self._shown = self._shown, state
        if state == "fetched" and before == "fetching":
            self.convert_wanted.emit()
            return
        self.setVisible(state != "idle" or not self._installed or bool(download.here))
        self._show_words()
        self._show_pace()
        error = download.error
        for widget, words in (
            (self.error, pick(error.message) if error else ""),
            (self._hint, pick(error.hint) if error else ""),
        ):
            widget.setText(words)
            widget.setVisible(bool(words))
        running = state in RUNNING or self._converting
        self.source_button.setVisible(not running and state != "fetched")
        self.source.setVisible(self._source_open and not running)
        self.main.setVisible(not running)
        self.main.setText(self._main_words())
        self.stop.setVisible(state in RUNNING)
        self.stop.setText(tr("chat_download.pause" if state == "fetching" else "chat.cancel"))
        kept = state == "offered" or bool(download.here)
        self.discard.setVisible(kept and not running)
        here = bool(download.here)
        self.discard.setText(tr("chat_download.discard" if here else "chat_download.not_now"))
        self.discard.setToolTip(tr("chat_download.discard_tip") if here else "")

    def _show_words(self) -> None:
        download, state = self._download, self._download.state
        here = download.here
        if self._converting:
            words = tr("chat_download.converting")
        elif state == "fetched":
            words = tr("chat_download.fetched")
        elif state == "paused":
            words = tr("chat_download.paused", size=size(here))
        elif state in ("idle", "failed") and here:
            words = tr("chat_download.interrupted", size=size(here))
        elif state in ("offered", "fetching"):
            words = tr("chat_download.steps", bits=self._bits)
        else:
            words = tr("chat_download.intro")
        self.text.setText(words)
        offer = download.offer
        shown = offer is not None and state in ("offered", "fetching", "paused", "failed")
        self.facts.setVisible(shown)
        if offer is not None:
            words = tr(
                "chat_download.facts",
                repository=offer.model.repository,
                address=offer.address,
                licence=offer.licence.upper() if len(offer.licence) <= 4 else offer.licence,
                size=size(offer.bytes),
                free=size(offer.free),
            )
            if state == "offered" and offer.here:
                words += "\n" + tr("chat_download.here", size=size(offer.here))
            self.facts.setText(words)

    def _show_pace(self) -> None:
        download, state = self._download, self._download.state
        running = state in RUNNING
        self.bar.setVisible(running)
        self.pace.setVisible(running)
        if not running:
            return
        now = download.progress
        if now is None or now.total == 0:
            self.bar.setRange(0, 0)
            address = Connection(self.endpoint.text().strip()).address
            self.pace.setText(tr("chat_download.asking", address=address))
            return
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * now.done / now.total))
        speed, left = download.meter.speed, download.seconds_left
        if now.state == "waiting":
            words = tr("chat_download.waiting", reason=pick(now.reason), seconds=f"{now.wait:.0f}")
        elif now.state == "checking":
            words = tr("chat_download.checking", file=now.file)
        else:
            sizes = {"done": size(now.done), "total": size(now.total)}
            words = (
                tr("chat_download.pace", **sizes, speed=size(speed), left=duration(left))
                if speed is not None and left is not None
                else tr("chat_download.progress", **sizes)
            )
        self.pace.setText(words)

    def _main_words(self) -> str:
        state, offer = self._download.state, self._download.offer
        if state == "fetched":
            return tr("chat_download.convert", bits=self._bits)
        if state == "failed":
            return tr("chat_download.again")
        if state == "offered" and offer is not None:
            return tr("chat_download.start", size=size(offer.bytes - offer.here))
        if state == "paused" or self._download.here:
            return tr("chat_download.go_on")
        return tr("chat_download.ask")

    def retranslate(self) -> None:
        """Texts in the language in force."""
        self._title.setText(tr("chat_download.title"))
        self.bar.setAccessibleName(tr("chat_download.title"))
        self.source_button.setText(tr("chat_download.source"))
        self._endpoint_name.setText(tr("chat_download.endpoint"))
        self._proxy_name.setText(tr("chat_download.proxy"))
        self.endpoint.setAccessibleName(tr("chat_download.endpoint"))
        self.proxy.setAccessibleName(tr("chat_download.proxy"))
        self.endpoint.setPlaceholderText(Connection().address)
        self.proxy.setPlaceholderText(tr("chat_download.no_proxy"))
        self.refresh()
