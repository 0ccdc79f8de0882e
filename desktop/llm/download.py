"""Fetching a published model from the hub: the only module of Glassbox that reaches a network.

Nothing happens unless a person asked for exactly this. First ``look_up`` asks the hub what there is:
files, sizes, checksums, licence; nothing is stored. Then ``download`` fetches, as a generator: closing it
is a pause. Each file grows as ``….part``, is continued after a pause, a cut or a kill, and gets its
name only when its checksum is right, so a finished file is a correct one. What usually helps is done
without asking: wait and try again after a broken connection, a busy server (429) or an error of
the server (5xx).

No account is used and nothing about the user is sent. Mirrors (``HF_ENDPOINT``) and proxies are for
those who cannot reach the hub itself. Imports huggingface_hub and httpx2; no torch, no Qt.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from desktop.bilingual import Bilingual
from desktop.llm import download_errors as errors
from desktop.llm.beside import CHUNK, cannot_write, check_space
from desktop.llm.hub import Connection, DownloadProgress, HubModel, Offer, RemoteFile

if TYPE_CHECKING:
    import httpx2

WANTED = re.compile(
    r"(config|generation_config|tokenizer|tokenizer_config|vocab|added_tokens|special_tokens_map"
    r"|model\.safetensors\.index)\.json|merges\.txt|LICENSE|model[\w.-]{0,60}\.safetensors"
)
LARGEST = 200 * 10**9
TRIES, FIRST_WAIT, LONGEST_WAIT = 6, 1.0, 30.0
PATIENCE = 600.0
"""The longest wait in seconds that a server may ask for."""
SLICE = 0.2
"""Waiting is cut into pieces of so many seconds, so that a pause is heard."""
AGAIN = (408, 425, 429, 500, 502, 503, 504)

sleep = time.sleep


# ------------------------------------------------------------------------------------------------
# Asking what there is


def look_up(model: HubModel, folder: Path, connection: Connection | None = None) -> Offer:
    """Ask the hub for files, sizes, checksums and licence; raises ``DownloadError``."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    connection = connection or Connection()
    with _client(connection):
        try:
            info = HfApi(endpoint=connection.address, token=False).model_info(
                model.repository,
                revision=model.revision,
                files_metadata=True,
                timeout=connection.timeout,
                token=False,
            )
        except HfHubHTTPError as error:
            response = getattr(error, "response", None)
            status = response.status_code if response is not None else 0
            raise errors.refused(connection.address, status, str(error)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise errors.unreachable(connection.address, str(error)) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise errors.not_understood(connection.address, str(error)) from error
    if info.sha != model.revision:
        raise errors.not_understood(connection.address, f"revision {info.sha!r:.80}")
    files = tuple(_remote_file(sibling, connection) for sibling in _wanted(info))
    _check_files(model, files, connection)
    return Offer(model, connection.address, _licence(info), files, folder)


def _wanted(info: Any) -> list[Any]:
    """The files that a model is made of; others, such as pictures and pickles, stay there."""
    siblings = info.siblings or []
    return [s for s in siblings if isinstance(s.rfilename, str) and WANTED.fullmatch(s.rfilename)]


def _remote_file(sibling: Any, connection: Connection) -> RemoteFile:
    size, lfs, git = sibling.size, sibling.lfs, sibling.blob_id or ""
    sha256 = (lfs.sha256 if lfs is not None else "") or ""
    known = re.fullmatch("[0-9a-f]{64}", sha256) or re.fullmatch("[0-9a-f]{40}", git)
    if isinstance(size, bool) or not isinstance(size, int) or size < 0 or not known:
        raise errors.not_understood(connection.address, f"{sibling.rfilename}: {sibling!r:.200}")
    return RemoteFile(sibling.rfilename, size, sha256, "" if sha256 else git)


def _check_files(model: HubModel, files: tuple[RemoteFile, ...], connection: Connection) -> None:
    names = {file.name for file in files}
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        raise errors.not_understood(connection.address, f"files: {sorted(names)}")
    if len(names) != len(files) or sum(file.bytes for file in files) > LARGEST:
        raise errors.not_understood(connection.address, "the list of files makes no sense")
    for file in files:
        if file.sha256 and model.sha256.get(file.name, file.sha256) != file.sha256:
            raise errors.other_content(connection.address, file.name)


def _licence(info: Any) -> str:
    named = getattr(info.card_data, "license", None)
    tags = [tag[8:] for tag in info.tags or [] if tag.startswith("license:")]
    return str(named or (tags[0] if tags else "?"))


@contextmanager
def _client(connection: Connection) -> Iterator[httpx2.Client]:
    """The library's client, for as long as we need it, with our proxy and patience."""
    import httpx2
    from huggingface_hub import close_session, constants, get_session, set_client_factory

    if constants.is_offline_mode():
        raise errors.offline()
    # Otherwise the library tells the hub what runs here, and asks the usual hub, even where a mirror
    # is wanted, for a list of programs to look for on this machine.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    proxy = connection.proxy or None

    def make() -> httpx2.Client:
        return httpx2.Client(proxy=proxy, timeout=connection.timeout, follow_redirects=True)

    try:
        set_client_factory(make)
        client = get_session()
    except (ValueError, ImportError, httpx2.InvalidURL) as error:
        raise errors.bad_proxy(connection.proxy, str(error)) from error
    try:
        yield client
    finally:
        close_session()


# ------------------------------------------------------------------------------------------------
# Fetching


def download(offer: Offer, connection: Connection | None = None) -> Iterator[DownloadProgress]:
    """Fetch what is missing; raises ``DownloadError`` or ``WriteError``. What has come stays, and the
    next call goes on from there."""
    connection = connection or Connection()
    check_space(offer.folder, offer.bytes - offer.here)
    try:
        offer.folder.mkdir(parents=True, exist_ok=True)
        with _alone(offer.folder), _client(connection) as client:
            done = 0
            for file in sorted(offer.files, key=lambda file: file.bytes):
                for step in _File(client, offer, file).fetch():
                    yield DownloadProgress(
                        step.state, file.name, done + step.done, offer.bytes, step.wait, step.reason
                    )
                done += file.bytes
            yield DownloadProgress("done", "", offer.bytes, offer.bytes)
    except OSError as error:
        raise cannot_write(offer.folder, error) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two processes must not write to the same files."""
    mark = folder / "downloading.pid"
    try:
        owner = int(mark.read_text(encoding="ascii"))
    except (OSError, ValueError):
        owner = 0
    if owner and owner != os.getpid() and psutil.pid_exists(owner):
        raise errors.already_running()
    mark.write_text(str(os.getpid()), encoding="ascii")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


class _File:
    """One file on its way."""

    def __init__(self, client: httpx2.Client, offer: Offer, file: RemoteFile) -> None:
        from huggingface_hub import hf_hub_url

        self.client, self.file = client, file
        self.url = hf_hub_url(
            offer.model.repository,
            file.name,
            revision=offer.model.revision,
            endpoint=offer.address,
        )
        self.address = offer.address
        self.path = offer.folder / file.name
        self.part = offer.folder / f"{file.name}.part"
        self.done = 0
        self._start_over()

    def fetch(self) -> Iterator[DownloadProgress]:
        """Until the file is there and right."""
        if self.path.is_file() and self.path.stat().st_size == self.file.bytes:
            return
        wrong = 0
        while True:
            yield from self._read_part()
            yield from self._until_complete()
            if self._is_right():
                break
            self.part.unlink()
            wrong += 1
            if wrong == 2:
                raise errors.wrong_checksum(self.file.name)
        with self.part.open("rb+") as part:
            os.fsync(part.fileno())
        self.part.replace(self.path)

    def _start_over(self) -> None:
        self.done = 0
        self.digest = hashlib.sha256() if self.file.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.file.sha256:  # as git computes it
            self.digest.update(b"blob %d\0" % self.file.bytes)

    def _is_right(self) -> bool:
        return self.digest.hexdigest() == (self.file.sha256 or self.file.git)

    def _read_part(self) -> Iterator[DownloadProgress]:
        """Feed what came earlier to the checksum."""
        self._start_over()
        if not self.part.is_file():
            return
        if self.part.stat().st_size > self.file.bytes:
            self.part.unlink()
            return
        with self.part.open("rb") as part:
            while piece := part.read(CHUNK):
                self.digest.update(piece)
                self.done += len(piece)
                yield self._step("checking")

    def _until_complete(self) -> Iterator[DownloadProgress]:
        """Try, and after a failure that may pass wait and try again. Whenever something came, the
        count of failures begins anew."""
        failures = 0
        while self.done < self.file.bytes or (self.file.bytes == 0 and not self.part.exists()):
            before = self.done
            try:
                yield from self._receive()
                continue
            except errors.TryAgainError as failure:
                failures = 1 if self.done > before else failures + 1
                if failures >= TRIES:
                    raise errors.gave_up(self.address, failure.reason, str(failure)) from failure
                wait = failure.wait or min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
                if wait > PATIENCE:
                    raise errors.gave_up(self.address, failure.reason, str(failure)) from failure
                reason = failure.reason
            yield from self._wait(wait, reason)

    def _wait(self, seconds: float, reason: Bilingual) -> Iterator[DownloadProgress]:
        while seconds > 0:
            yield self._step("waiting", seconds, reason)
            sleep(min(SLICE, seconds))
            seconds -= SLICE

    def _receive(self) -> Iterator[DownloadProgress]:
        """One request for what is missing; raises ``TryAgainError`` when that may help."""
        import httpx2

        headers = {"Accept-Encoding": "identity", "User-Agent": "glassbox"}
        if self.done:
            headers["Range"] = f"bytes={self.done}-"
        try:
            with self.client.stream("GET", self.url, headers=headers) as response:
                self._check(response)
                with self.part.open("ab") as part:
                    part.truncate(self.done)
                    for piece in response.iter_raw():
                        if self.done + len(piece) > self.file.bytes:
                            raise errors.TryAgainError(errors.TOO_LONG)
                        part.write(piece)
                        self.digest.update(piece)
                        self.done += len(piece)
                        yield self._step("downloading")
        except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            raise errors.TryAgainError(errors.BROKEN, details=str(error)) from error
        except httpx2.HTTPError as error:
            raise errors.unreachable(self.address, str(error)) from error
        if self.done < self.file.bytes:
            raise errors.TryAgainError(errors.BROKEN)

    def _check(self, response: httpx2.Response) -> None:
        """Whether this answer continues what we have; otherwise start over, wait, or give up."""
        status = response.status_code
        if status in AGAIN:
            raise errors.TryAgainError(errors.BUSY, _retry_after(response), f"HTTP {status}")
        if status == 206:
            given = re.fullmatch(
                r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "")
            )
            if given and int(given[1]) == self.done and given[2] in ("*", str(self.file.bytes)):
                return
        if status in (200, 206, 416):  # cannot continue: from the beginning then
            self._start_over()
            if status == 200:
                return
            self.part.unlink(missing_ok=True)
            raise errors.TryAgainError(errors.BROKEN, details=f"HTTP {status}")
        raise errors.refused(self.address, status, self.url)

    def _step(
        self,
        state: Literal["checking", "downloading", "waiting"],
        wait: float = 0.0,
        reason: Bilingual | None = None,
    ) -> DownloadProgress:
        return DownloadProgress(
            state, self.file.name, self.done, self.file.bytes, wait, reason or Bilingual("", "")
        )


def _retry_after(response: httpx2.Response) -> float:
    """Seconds the server asks us to wait, or 0."""
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if re.fullmatch(r"\d{1,6}", text) else 0.0
