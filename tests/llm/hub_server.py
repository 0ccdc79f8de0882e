"""A hub of our own on this machine, which can be made to misbehave in every way networks do."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "microsoft/phi-2"
REVISION = "810d367871c1d460086d9f82db8696f2e0a0fcd0"


@dataclass
class Fault:
    """What goes wrong with one answer to a request for a file: a status instead of the file, the
    connection cut after ``cut`` bytes, silence from there on, a changed byte, no ranges."""

    status: int = 0
    retry_after: str = ""
    cut: int = -1
    silent: bool = False
    corrupt: bool = False
    ignore_range: bool = False
    wrong_range: bool = False
    too_long: bool = False


@dataclass
class Hub:
    """Files by name; ``faults`` are used up one a request, for requests of ``faulty`` only."""

    files: dict[str, bytes]
    faulty: str = "model-00001-of-00002.safetensors"
    faults: list[Fault] = field(default_factory=list)
    forever: Fault | None = None
    info_status: int = 200
    info: dict[str, object] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def model_info(self) -> bytes:
        def sibling(name: str, data: bytes) -> dict[str, object]:
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            found: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": git}
            if name.endswith((".safetensors", ".bin")):
                digest = hashlib.sha256(data).hexdigest()
                found["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 135}
            return found

        return json.dumps(
            {
                "id": REPOSITORY,
                "modelId": REPOSITORY,
                "sha": REVISION,
                "tags": ["license:mit"],
                "cardData": {"license": "mit"},
                "siblings": [sibling(name, data) for name, data in self.files.items()],
                **self.info,
            }
        ).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.requests.append((path, self.headers.get("Range", "")))
        hub.headers.append(dict(self.headers))
        if path == f"/api/models/{REPOSITORY}/revision/{REVISION}":
            self._answer(hub.info_status, hub.model_info())
            return
        match = re.fullmatch(f"/{REPOSITORY}/resolve/{REVISION}/(.+)", path)
        if match is None or match[1] not in hub.files:
            self._answer(404, b"Entry not found")
            return
        fault = Fault()
        if match[1] == hub.faulty:
            fault = hub.faults.pop(0) if hub.faults else hub.forever or fault
        self._file(hub.files[match[1]], fault)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _file(self, data: bytes, fault: Fault) -> None:
        if fault.status:
            extra = {"Retry_After": fault.retry_after} if fault.retry_after else {}
            self._answer(fault.status, b"no", **extra)
            return
        start = int((re.match(r"bytes=(\d+)-", self.headers.get("Range", "")) or ["", "0"])[1])
        if fault.ignore_range:
            start = 0
        body = data[start:]
        if fault.corrupt:
            body = bytes([body[0] ^ 1]) + body[1:]
        if fault.too_long:
            body += b"more"
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            said = start + 1 if fault.wrong_range else start
            self.send_header("Content-Range", f"bytes {said}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(body if fault.cut < 0 else body[: fault.cut])
        if fault.silent:
            self.wfile.flush()
            self.hub.closing.wait(60)
        if fault.cut >= 0:
            self.close_connection = True


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Hub]:
    hub = Hub(files)
    handler = type("HubHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
