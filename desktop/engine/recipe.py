"""A run as a small file or a text to copy: not the numbers, but how to get them again.

An experiment is deterministic, so lesson, seed, parameters and what the learner did at which step
are enough to open it again bit for bit; ``digest`` says whether that succeeded. A fork carries the
recipe of the run it left, so that both open side by side.

The file is JSON that a person can read. The text is the same JSON, compressed, in base64, between a
version and a checksum, and survives line breaks from e-mail. Both may come from a stranger: sizes
are checked before memory is taken, every field is checked before it is used, and nothing in them is
ever executed. Imports no torch by itself, no Qt.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import os
import re
import tempfile
import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.bilingual import Bilingual, GlassboxError

if TYPE_CHECKING:
    from desktop.engine.experiment import Experiment
    from desktop.engine.run import Event, Run

VERSION = 1
SUFFIX = ".glassbox"
PREFIX = "GLASSBOX"

MAX_BYTES = 16 * 2**20  # of JSON
MAX_TEXT = 4 * 2**20  # characters of the copyable text
MAX_STEP = 10**9
MAX_EVENTS = 100_000
MAX_DEPTH = 8  # of nested values, and of parents

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_PLACE = re.compile(rf"({_SLUG.pattern})?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}|", re.ASCII)
_TEXT = re.compile(rf"{PREFIX}(\d{{1,6}}):([A-Za-z0-9_-]*={{0,2}}):([0-9a-f]{{8}})", re.ASCII)


class RecipeError(GlassboxError):
    """A saved experiment that is damaged, newer than this program, or not one at all."""


@dataclass(frozen=True)
class Recipe:
    """What it takes to get a run again. ``step`` is where it stood, ``head`` how far it had come."""

    lesson: str
    seed: int
    parameters: Mapping[str, Any]
    events: tuple[Event, ...] = ()
    step: int = 0
    head: int = 0
    digest: str = ""
    parent: Recipe | None = None
    fork_step: int = 0
    place: str = ""
    """The step of the lesson at which it was shared, so that it opens beside the same words."""
    version: int = VERSION

    @classmethod
    def of(cls, run: Run, parent: Recipe | None = None) -> Recipe:
        """The recipe of ``run`` as it stands; ``parent`` is that of the run it was forked from."""
        from desktop.engine.snapshots import state_digest

        return cls(
            lesson=run.lesson_slug,
            seed=run.seed,
            parameters=run.initial_parameters.to_json(),
            events=tuple(run.events),
            step=run.step,
            head=run.head,
            digest=state_digest(run.experiment),
            parent=parent,
            fork_step=run.parent[1] if run.parent else 0,
        )

    # ---- JSON

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        events = [
            {"step": e.step, "kind": e.kind, "name": e.name, "values": dict(e.values)}
            for e in self.events
        ]
        return {
            "glassbox": "experiment",
            "version": self.version,
            "lesson": self.lesson,
            "seed": self.seed,
            "parameters": dict(self.parameters),
            "events": events,
            "step": self.step,
            "head": self.head,
            "digest": self.digest,
            "fork_step": self.fork_step,
            "place": self.place,
            "parent": self.parent.to_json() if self.parent else None,
        }

    @classmethod
    def from_json(cls, values: Any) -> Recipe:
        """The recipe in plain values from anywhere; raises ``RecipeError``."""
        return _read(values, MAX_DEPTH)

    # ---- text

    def to_text(self) -> str:
        """One line to copy into a message."""
        packed = zlib.compress(_dump(self.to_json(), indent=None), 9)
        payload = base64.urlsafe_b64encode(packed).decode("ascii")
        return f"{PREFIX}{self.version}:{payload}:{_checksum(packed)}"

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """The recipe in a copied text; line breaks and spaces do not matter."""
        if len(text) > MAX_TEXT:
            raise _damaged("the text is too long")
        match = _TEXT.fullmatch("".join(text.split()))
        if match is None:
            raise _damaged("cut off") if PREFIX in text else _foreign()
        version, payload, checksum = match.groups()
        if int(version) > VERSION:
            raise _newer(int(version))
        try:
            packed = base64.urlsafe_b64decode(payload)
        except binascii.Error as error:
            raise _damaged(str(error)) from error
        if _checksum(packed) != checksum:
            raise _damaged("the checksum does not match")
        return cls.from_json(_parse(_inflate(packed)))

    # ---- file

    def to_file(self, path: Path) -> None:
        """Write the file beside ``path`` and rename it, so that there is never half a file."""
        try:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_dump(self.to_json(), indent=1))
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise RecipeError(
                Bilingual(
                    f"无法把实验写入 {path}。", f"The experiment cannot be written to {path}."
                ),
                Bilingual(
                    "换一个有写入权限、还有空间的文件夹。",
                    "Choose a folder that you may write to and that has space left.",
                ),
                str(error),
            ) from error

    @classmethod
    def from_file(cls, path: Path) -> Recipe:
        """Read a file written by ``to_file``."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise RecipeError(
                Bilingual(f"打不开文件 {path}。", f"The file {path} cannot be opened."),
                Bilingual("看看它是否还在那里。", "Check whether it is still there."),
                str(error),
            ) from error
        return cls.from_json(_parse(data))


def replay(
    recipe: Recipe, experiment_type: type[Experiment[Any]], *, id: int = 0
) -> Generator[int, None, Run]:
    """Do it all again, yielding each step; the generator returns the ``Run``.

    Its ``exact`` says whether the state is bit for bit the one that was saved. On another machine or
    with another torch the last digits may differ; that is no error.
    """
    from desktop.engine.run import Run
    from desktop.engine.snapshots import state_digest

    parameters = experiment_type.Parameters.from_json(recipe.parameters)
    run = Run(experiment_type, parameters, recipe.seed, lesson_slug=recipe.lesson, id=id)
    events = sorted(recipe.events, key=lambda event: event.step)
    while True:
        while events and events[0].step <= run.step:
            event = events.pop(0)
            if event.kind == "act":
                run.act(event.name, event.values)
            else:
                run.change(run.parameters.changed(**event.values))
        if run.step >= recipe.head:
            break
        if run.finished:
            raise _damaged(f"training ends at step {run.step}, the file says {recipe.head}")
        run.advance()
        yield run.step
    yield from run.seek(recipe.step)
    if recipe.digest:
        run.exact = state_digest(run.experiment) == recipe.digest
    return run


# ------------------------------------------------------------------------------------------------
# Bytes


def _dump(values: Any, indent: int | None) -> bytes:
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        values, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators
    )
    return text.encode("utf-8", "surrogatepass")


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _inflate(packed: bytes) -> bytes:
    """Decompress at most ``MAX_BYTES``: a few bytes can claim to be gigabytes."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, MAX_BYTES + 1)
    except zlib.error as error:
        raise _damaged(str(error)) from error
    if len(data) <= MAX_BYTES and (not stream.eof or stream.unused_data):
        raise _damaged("the compressed data ends too early or too late")
    return data


def _parse(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise _damaged(f"more than {MAX_BYTES} bytes")
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _foreign(str(error)) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number JSON knows")


# ------------------------------------------------------------------------------------------------
# Fields


def _read(values: Any, depth: int) -> Recipe:
    if not isinstance(values, dict) or values.get("glassbox") != "experiment":
        raise _foreign()
    if depth == 0:
        raise _damaged("too many runs inside each other")
    version = _whole(values, "version", 1, MAX_STEP)
    if version > VERSION:
        raise _newer(version)
    head = _whole(values, "head", 0, MAX_STEP)
    parent = values.get("parent")
    return Recipe(
        lesson=_matching(values, "lesson", _SLUG),
        seed=_whole(values, "seed", 0, 2**63 - 1),
        parameters=_named_values(values.get("parameters"), "parameters"),
        events=_events(values.get("events"), head),
        step=_whole(values, "step", 0, head),
        head=head,
        digest=_matching(values, "digest", _DIGEST),
        parent=None if parent is None else _read(parent, depth - 1),
        fork_step=_whole(values, "fork_step", 0, head),
        place=_matching({"place": "", **values}, "place", _PLACE),
    )


def _events(values: Any, head: int) -> tuple[Event, ...]:
    from desktop.engine.run import Event

    if not isinstance(values, list) or len(values) > MAX_EVENTS:
        raise _damaged("events")
    events: list[Event] = []
    for value in values:
        if not isinstance(value, dict) or value.get("kind") not in ("change", "act"):
            raise _damaged("an event")
        kind, act = value["kind"], value["kind"] == "act"
        step = _whole(value, "step", events[-1].step if events else 0, head)
        name = _matching(value, "name", _NAME) if act else ""
        events.append(Event(step, kind, name, _named_values(value.get("values"), "an event")))
    return tuple(events)


def _whole(values: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _damaged(name)
    return value


def _matching(values: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = values.get(name)
    if not isinstance(value, str) or len(value) > 128 or not pattern.fullmatch(value):
        raise _damaged(name)
    return value


def _named_values(values: Any, what: str) -> dict[str, Any]:
    if not isinstance(values, dict) or not all(_NAME.fullmatch(name) for name in values):
        raise _damaged(what)
    for value in values.values():
        _check_plain(value, what, MAX_DEPTH)
    return values


def _check_plain(value: Any, what: str, depth: int) -> None:
    if depth == 0:
        raise _damaged(f"{what}: nested too deeply")
    if isinstance(value, list):
        for item in value:
            _check_plain(item, what, depth - 1)
    elif isinstance(value, dict):
        for item in value.values():
            _check_plain(item, what, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _damaged(f"{what}: a number that is not finite")
    elif isinstance(value, int) and abs(value) > 2**63:
        raise _damaged(f"{what}: a number that is too large")


# ------------------------------------------------------------------------------------------------
# What a person reads


def _damaged(details: str) -> RecipeError:
    return RecipeError(
        Bilingual(
            "这份保存的实验已经损坏，读不出来。",
            "This saved experiment is damaged and cannot be read.",
        ),
        Bilingual(
            "如果它是复制来的文字，请确认从头到尾都复制了；或者请对方再发一次。",
            "If you copied a text, check that you copied all of it, or ask for it to be sent again.",
        ),
        details,
    )


def _newer(version: int) -> RecipeError:
    return RecipeError(
        Bilingual(
            "这份实验是用更新版本的 Glassbox 保存的。",
            "This experiment was saved by a newer version of Glassbox.",
        ),
        Bilingual("升级 Glassbox 之后就能打开。", "Update Glassbox to open it."),
        f"version {version}, this program reads up to {VERSION}",
    )


def _foreign(details: str = "") -> RecipeError:
    return RecipeError(
        Bilingual("这不是 Glassbox 的实验。", "This is not a Glassbox experiment."),
        Bilingual(
            f"实验文件的扩展名是 {SUFFIX}，可复制的文字以 {PREFIX} 开头。",
            f"Experiment files end in {SUFFIX}, and the text to copy starts with {PREFIX}.",
        ),
        details,
    )
