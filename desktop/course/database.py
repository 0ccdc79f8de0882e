"""The one database file: opened, checked, migrated, backed up, and never made worse.

What happens when ``Database`` opens a path:

- fine: opened in WAL mode (``kill -9`` loses nothing that was committed), migrated if it is older,
  after a copy that keeps the old version's name; a backup with SQLite's own backup call once a day,
  at every orderly close, and whenever ``back_up_beside`` is called. A backup that would not be sound
  never replaces one that is.
- damaged: set aside under a name that says so, the last backup put in its place (or a new, empty
  database), and a notice for the person.
- made by a newer version, or not ours: left exactly as it is; this session works in memory.
- cannot be written (read-only folder, full disk), now or later: this session goes on in memory with
  what could be read, and a notice.

Notices are ``StoreError`` values, ready to be shown. One connection, one lock, so any thread may
call. Imports the language type only.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from desktop.bilingual import Bilingual, GlassboxError

APPLICATION_ID = 0x474C4258  # "GLBX" in the file's header
BUSY_MS = 1000
BACKUP_AGE_SECONDS = 24 * 3600
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Migration = tuple[str, ...]
"""The statements that lead from one version of the schema to the next."""

log = logging.getLogger(__name__)


class StoreError(GlassboxError):
    """Progress cannot be kept as it should be; the message says what that means for the learner."""


class _DamagedError(Exception):
    """The file is no sound SQLite database."""


class _RefusedError(Exception):
    """The file must not be touched; carries the notice."""

    def __init__(self, notice: StoreError) -> None:
        super().__init__(notice.message.en)
        self.notice = notice


class Database:
    """An open database file, or its stand-in in memory. Construction never raises."""

    def __init__(
        self,
        path: Path,
        migrations: Sequence[Migration],
        on_notice: Callable[[StoreError], None] | None = None,
    ) -> None:
        self.path = path
        self.backup_path = path.with_suffix(".backup" + path.suffix)
        self.in_memory = False
        self.notices: list[StoreError] = []
        self.on_notice = on_notice
        self._migrations = migrations
        self._lock = threading.RLock()
        self._changes_saved = 0
        self._backup_lock = threading.Lock()
        self._backup_thread: threading.Thread | None = None
        self._connection = self._open()

    # ---- use

    def write(self, statement: str, values: Sequence[object] = ()) -> int:
        """Run one writing statement; returns the id of a new row."""
        return self.write_all([(statement, values)])

    def write_all(self, statements: Sequence[tuple[str, Sequence[object]]]) -> int:
        """Run several as one: all of them or none. The disk cannot make it fail: if it refuses, the
        rest of the session is kept in memory and a notice says so."""
        with self._lock:
            try:
                return self._write(statements)
            except sqlite3.DatabaseError as error:
                if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
                    raise
                self._retreat(error)
                return self._write(statements)

    def _write(self, statements: Sequence[tuple[str, Sequence[object]]]) -> int:
        row = 0
        with _transaction(self._connection) as connection:
            for statement, values in statements:
                row = int(connection.execute(statement, values).lastrowid or 0)
        return row

    def read(self, statement: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of a query."""
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._retreat(error)
                return self._connection.execute(statement, values).fetchall()

    def back_up(self) -> None:
        """Renew the backup if anything was written since this file was opened."""
        with self._lock:
            if not self.in_memory and self._connection.total_changes > self._changes_saved:
                self._back_up(self._connection)
                self._changes_saved = self._connection.total_changes

    def back_up_beside(self) -> None:
        """The same on a thread and a connection of its own, so that nobody waits for it."""
        with self._lock:
            running = self._backup_thread is not None and self._backup_thread.is_alive()
            if running or self.in_memory or self._connection.total_changes <= self._changes_saved:
                return
            changes = self._connection.total_changes
            thread = threading.Thread(target=self._copy_beside, args=(changes,), name="backup")
            self._backup_thread = thread
        thread.start()

    def _copy_beside(self, changes: int) -> None:
        try:
            with closing(_connect(self.path, read_only=True)) as connection:
                self._back_up(connection)
        except (sqlite3.Error, OSError) as error:
            log.warning("backup of %s: %s", self.path, error)
            return
        self._changes_saved = changes

    def close(self) -> None:
        """Renew the backup and close; a second time does nothing."""
        if self._backup_thread is not None:
            self._backup_thread.join()
        with self._lock:
            with suppress(sqlite3.Error, OSError):
                self.back_up()
            with suppress(sqlite3.Error):
                self._connection.close()

    # ---- opening

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self._open_file()
        except _DamagedError as damage:
            return self._replace_damaged(str(damage))
        except _RefusedError as refusal:
            return self._memory(refusal.notice)
        except (OSError, sqlite3.Error) as error:
            return self._memory(_cannot_write(self.path, error))

    def _open_file(self) -> sqlite3.Connection:
        existed = self.path.exists() and self.path.stat().st_size > 0
        if existed:
            self._look_before_touching()
        connection = _connect(self.path)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            version = _version(connection)
            if existed and version < len(self._migrations):
                self._copy_to(connection, self._old_version_path(version))
                self._back_up(connection)
            elif existed and self._backup_is_old():
                self._back_up_if_possible(connection)
            self._migrate(connection, version)
            _prove_writable(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.DatabaseError) and _is_damage(error):
                raise _DamagedError(str(error)) from error
            raise
        return connection

    def _look_before_touching(self) -> None:
        """Read-only checks: is it a sound database, ours, and not from the future?"""
        try:
            with closing(_connect(self.path, read_only=True)) as connection:
                version = _version(connection)
                owner = connection.execute("PRAGMA application_id").fetchone()[0]
                tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if owner != APPLICATION_ID and (owner or tables):
                    raise _RefusedError(_not_ours(self.path))
                if version > len(self._migrations):
                    raise _RefusedError(_newer(self.path))
                report = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                raise _DamagedError(str(error)) from error
            raise
        if report != "ok":
            raise _DamagedError(report)

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        for number, statements in enumerate(self._migrations[version:], start=version + 1):
            with _transaction(connection):
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={number}")

    # ---- backups and damage

    def _backup_is_old(self) -> bool:
        """Also when it seems to come from the future: then the clock has gone backwards since."""
        try:
            return abs(time.time() - self.backup_path.stat().st_mtime) > BACKUP_AGE_SECONDS
        except OSError:
            return True

    def _old_version_path(self, version: int) -> Path:
        return self.path.with_suffix(f".version-{version}{self.path.suffix}")

    def _back_up(self, connection: sqlite3.Connection) -> None:
        with self._backup_lock:
            self._copy_to(connection, self.backup_path)

    def _back_up_if_possible(self, connection: sqlite3.Connection) -> None:
        """The daily one: a disk that has room for the record but not for a copy is no obstacle."""
        try:
            self._back_up(connection)
        except (sqlite3.Error, OSError) as error:
            log.warning("backup of %s: %s", self.path, error)

    def _copy_to(self, connection: sqlite3.Connection, target: Path) -> None:
        """Copy beside, look at the copy, then rename: it is whole and sound, or not there."""
        beside = target.with_suffix(".new")
        beside.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(beside)) as copy:
                connection.backup(copy)
                copy.execute("PRAGMA journal_mode=DELETE")
                report = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if report != "ok":
                raise sqlite3.DatabaseError(f"the copy would not be sound: {report}")
            beside.replace(target)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise

    def _replace_damaged(self, report: str) -> sqlite3.Connection:
        """Set the damaged file aside and go on from the last backup, or from nothing."""
        try:
            aside = self._set_aside()
            restored = self._restore()
            connection = self._open_file()
        except (_DamagedError, _RefusedError, OSError, sqlite3.Error) as error:
            return self._memory(_cannot_write(self.path, error))
        self._tell(_was_damaged(aside, restored, report))
        return connection

    def _set_aside(self) -> Path:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"{self.path.stem}.damaged-{stamp}{self.path.suffix}")
        self.path.replace(aside)
        for tail in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{tail}").replace(f"{aside}{tail}")
        return aside

    def _restore(self) -> datetime | None:
        """Put the last backup in place if it is sound; says when it was made."""
        if not self.backup_path.exists():
            return None
        beside = self.path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        try:
            with closing(_connect(self.backup_path, read_only=True)) as source:
                if source.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                    return None
                with closing(sqlite3.connect(beside)) as copy:
                    source.backup(copy)
        except sqlite3.Error:
            log.warning("the backup is damaged too", exc_info=True)
            beside.unlink(missing_ok=True)
            return None
        beside.replace(self.path)
        return datetime.fromtimestamp(self.backup_path.stat().st_mtime)

    # ---- going on without the disk

    def _memory(
        self, notice: StoreError, source: sqlite3.Connection | None = None
    ) -> sqlite3.Connection:
        """A database in memory, holding what ``source`` or the readable file has."""
        self.in_memory = True
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._copy_readable(connection, source)
            self._migrate(connection, _version(connection))
        except sqlite3.Error:
            connection.close()
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._migrate(connection, 0)
        self._tell(notice)
        return connection

    def _copy_readable(self, target: sqlite3.Connection, source: sqlite3.Connection | None) -> None:
        if source is not None:
            source.backup(target)
        elif self.path.exists() and self.path.stat().st_size > 0:
            with _readable_copy(self.path) as file:
                owner = file.execute("PRAGMA application_id").fetchone()[0]
                if owner == APPLICATION_ID and _version(file) <= len(self._migrations):
                    file.backup(target)

    def _retreat(self, error: sqlite3.DatabaseError) -> None:
        """The disk refused in the middle of the session: go on in memory, say so once."""
        if self.in_memory:
            raise error
        log.warning("database %s: %s", self.path, error)
        failed = self._connection
        self._connection = self._memory(_cannot_write(self.path, error), failed)
        with suppress(sqlite3.Error):
            failed.close()

    def _tell(self, notice: StoreError) -> None:
        self.notices.append(notice)
        log.warning("%s %s", notice.message.en, notice.details)
        if self.on_notice is not None:
            self.on_notice(notice)


def _connect(path: Path, *, read_only: bool = False, immutable: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rwc"
    address = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return connection


@contextmanager
def _readable_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a folder that cannot be written, with what its WAL holds.

    Reading a WAL needs a place for its index, so file and WAL are copied to a temporary folder; where
    there is none, the file alone is read (``immutable``), as it was at the last checkpoint.
    """
    with ExitStack() as stack:
        try:
            spare = Path(stack.enter_context(TemporaryDirectory(prefix="glassbox-")))
            for tail in ("", "-wal"):
                if Path(f"{path}{tail}").exists():
                    shutil.copyfile(f"{path}{tail}", spare / f"{path.name}{tail}")
            opened = _connect(spare / path.name)
            stack.callback(opened.close)
            _version(opened)
        except OSError:
            opened = _connect(path, read_only=True, immutable=True)
            stack.callback(opened.close)
        yield opened


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _prove_writable(connection: sqlite3.Connection) -> None:
    """A read-only file opens without complaint; only a write shows it."""
    with _transaction(connection):
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def _cannot_write(path: Path, error: Exception) -> StoreError:
    return StoreError(
        Bilingual(
            "学习进度现在存不到磁盘上，这一次的进度只保留到关闭窗口为止。",
            "Your progress cannot be saved to disk right now; it is kept only until you close "
            "the window.",
        ),
        Bilingual(
            "请检查磁盘是否已满、文件夹是否可写，然后重新打开程序。",
            "See whether the disk is full or the folder is read-only, then start again.",
        ),
        f"{path}: {error}",
    )


def _newer(path: Path) -> StoreError:
    return StoreError(
        Bilingual(
            "学习记录是更新版本的 Glassbox 写的，这个版本不会动它；这一次的进度不会保存。",
            "Your learning record was written by a newer Glassbox. This version leaves it alone, "
            "and progress made now is not saved.",
        ),
        Bilingual(
            "请改用更新的版本，原来的记录都还在。",
            "Use the newer version; everything recorded is still there.",
        ),
        str(path),
    )


def _not_ours(path: Path) -> StoreError:
    return StoreError(
        Bilingual(
            "数据文件夹里的同名文件属于别的程序，Glassbox 不会动它；这一次的进度不会保存。",
            "A file of that name in the data folder belongs to another program. Glassbox leaves it "
            "alone, and progress made now is not saved.",
        ),
        Bilingual(
            "请换一个数据文件夹（--data-dir），或移走那个文件。",
            "Choose another data folder (--data-dir) or move that file away.",
        ),
        str(path),
    )


def _was_damaged(aside: Path, restored: datetime | None, report: str) -> StoreError:
    if restored is None:
        zh, en = (
            "没有可用的备份，已从头开始新的记录",
            "There was no usable backup, so a new one was begun",
        )
    else:
        when = restored.strftime("%Y-%m-%d %H:%M")
        zh, en = f"已恢复 {when} 的备份", f"The backup of {when} has been restored"
    return StoreError(
        Bilingual(
            f"学习记录的文件损坏了。{zh}。",
            f"The file with your learning record was damaged. {en}.",
        ),
        Bilingual(
            f"损坏的文件没有删除，改名为 {aside.name}。",
            f"The damaged file was not deleted; it is now called {aside.name}.",
        ),
        f"{aside}: {report}",
    )
