"""The proof on a bare machine: a minimal Debian without Python, compiler or network is given the
packages, and the program is used there by keyboard as a learner would. Run by ``.dev/proof``.

Everything is asked of the outside: the window's title, the pixels of the screen, the database that
the program leaves, its exit status. Any line it prints or logs is a failure.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packaging_steps.screen import ProofError, Screen, wait

USER, HOME = "1000:1000", "/home/learner"
COMMAND = f"{HOME}/.local/bin/glassbox"
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
DISPLAY = 77
MODEL_BUTTON, QUESTION_FIELD = (1084, 25), (1090, 645)
"""Where they are in a window of 1280 × 720 with the chat open."""
LESSON_SECONDS = 90.0


@dataclass
class Machine:
    """A root folder that holds a minimal Debian, and what may be shared with it."""

    root: Path

    @property
    def data(self) -> Path:
        """The learner's data folder, seen from here."""
        return self.root / HOME.removeprefix("/") / ".local/share/Glassbox"

    def prepare(self) -> None:
        """Make it, once; later runs start from it again without program and home."""
        if not (self.root / "bin/sh").exists():
            command = ["debootstrap", "--variant=minbase", SUITE, str(self.root), MIRROR]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(self.root / HOME.removeprefix("/"), ignore_errors=True)
        self.inside("dpkg --configure -a", admin=True)  # an earlier proof may have been cut off
        self.inside("id learner >/dev/null 2>&1 || useradd -u 1000 learner", admin=True)
        self.inside(f"install -d -o learner {HOME} /run/user/1000", admin=True)
        tools = "python3 python gcc cc clang tcc"
        found = self.inside(f"for t in {tools}; do command -v $t; done; true", admin=True)
        if found:
            raise ProofError(f"the machine is not bare: {found}")

    def inside(self, script: str, *, admin: bool = False, network: bool = False) -> str:
        """Run a shell script in there; what it prints. Any complaint of it is a failure."""
        done = subprocess.run(
            self._command(script, admin=admin, network=network), capture_output=True, text=True
        )
        if done.returncode:
            raise ProofError(
                f"{script!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        if done.stderr.strip() and not admin:
            raise ProofError(f"{script!r} printed:\n{done.stderr}")
        return done.stdout.strip()

    def start(self, *arguments: str) -> Program:
        """Start the window in there, without any network."""
        script = " ".join(["exec", COMMAND, *arguments])
        process = subprocess.Popen(
            self._command(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Program(process)

    def _command(self, script: str, *, admin: bool = False, network: bool = False) -> list[str]:
        """``unshare`` takes network, processes and mounts away; ``chroot`` the rest of this machine."""
        root = self.root
        mounts = (
            f"mount -t proc proc {root}/proc && mkdir -p {root}/tmp/.X11-unix {root}/dev/shm && "
            f"mount --bind /tmp/.X11-unix {root}/tmp/.X11-unix && mount -t tmpfs tmpfs {root}/dev/shm"
        )
        environment = [
            f"HOME={'/root' if admin else HOME}",
            f"DISPLAY=:{DISPLAY}",
            "LANG=C.UTF-8",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "XDG_RUNTIME_DIR=/run/user/1000",
            "DEBIAN_FRONTEND=noninteractive",
        ]
        who = [] if admin else [f"--userspec={USER}"]
        enter = ["chroot", *who, str(root), "env", "-i", *environment, "sh", "-c", script]
        spaces = ["--mount", "--pid", "--fork", "--kill-child", *([] if network else ["--net"])]
        return ["unshare", *spaces, "sh", "-c", f'{mounts} && exec "$@"', "sh", *enter]


class Program:
    """The running program."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ended(self) -> bool:
        """Whether it is no longer running."""
        return self._process.poll() is not None

    def end(self, seconds: float) -> None:
        """Wait for its end: status 0, and not a word printed."""
        try:
            printed, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProofError(f"the program did not end within {seconds:g} seconds") from None
        if printed.strip():
            raise ProofError(f"the program printed:\n{printed}")
        if self._process.returncode:
            raise ProofError(f"the program ended with status {self._process.returncode}")

    def kill(self) -> None:
        """Whatever happened, nothing stays behind."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()


# ------------------------------------------------------------------------------------------------
# Installing


def install_deb(machine: Machine, deb: Path) -> None:
    """apt brings what the package says it depends on, and nothing that this proof would add."""
    shutil.copyfile(deb, machine.root / "tmp/glassbox.deb")
    machine.inside(
        "apt-get update -qq && apt-get install -y -qq --no-install-recommends /tmp/glassbox.deb",
        admin=True,
        network=True,
    )
    version = machine.inside("glassbox --version")
    machine.inside("test -f /usr/share/applications/glassbox.desktop")
    tell(f"installed the .deb: {version}")


def remove_deb(machine: Machine) -> None:
    """Nothing of it may be left."""
    machine.inside("apt-get remove -y -qq glassbox && rm /tmp/glassbox.deb", admin=True)
    machine.inside("! test -e /opt/glassbox && ! test -e /usr/bin/glassbox")
    tell("removed the .deb")


def install_archive(machine: Machine, archive: Path) -> None:
    """Unpacked and installed by the learner, without root."""
    place = machine.root / HOME.removeprefix("/") / "unpacked"
    place.mkdir()
    subprocess.run(
        ["tar", "-I", "zstd", "--strip-components=1", "-xf", archive, "-C", place], check=True
    )
    machine.inside(f"chown -R {USER} {HOME}/unpacked", admin=True)
    tell(machine.inside(f"sh {HOME}/unpacked/install.sh").splitlines()[0])


def update(machine: Machine) -> None:
    """The installer again, over what is there; nothing of the old program stays."""
    place = f"{HOME}/.local/opt/glassbox"
    machine.inside(f"touch {place}/of-the-older-version")
    machine.inside(f"sh {HOME}/unpacked/install.sh && rm -r {HOME}/unpacked")
    machine.inside(f"! test -e {place}/of-the-older-version")
    tell("updated")


def remove_archive(machine: Machine) -> None:
    """Only the learner's own data may be left, and what the system's font library keeps."""
    machine.inside(f"sh {HOME}/.local/opt/glassbox/uninstall.sh")
    left = machine.inside(f"cd {HOME} && find . -type f").splitlines()
    kept = ("./.local/share/Glassbox/", "./.cache/fontconfig/")
    foreign = [name for name in left if not name.startswith(kept)]
    if foreign or not (machine.data / "glassbox.sqlite3").exists():
        raise ProofError(f"after uninstalling: {foreign or left}")
    tell("uninstalled; the data are still there, nothing else")


# ------------------------------------------------------------------------------------------------
# Without a window


def commands(machine: Machine) -> list[dict[str, Any]]:
    """The commands work; returns the lessons."""
    report = json.loads(machine.inside(f"{COMMAND} doctor --json"))
    if report["problems"] or not report["frozen"]:
        raise ProofError(f"doctor: {report['problems']}, frozen: {report['frozen']}")
    tell(f"doctor: torch {report['torch']}, Qt {report['qt']}, Chinese in {report['fonts']['zh']}")
    lessons: list[dict[str, Any]] = json.loads(machine.inside(f"{COMMAND} lessons --json"))
    for lesson in lessons:
        lines = machine.inside(f"{COMMAND} run {lesson['slug']} --steps 3 --json").splitlines()
        if json.loads(lines[-2])["step"] != 3:
            raise ProofError(f"run {lesson['slug']} printed {lines[-2][:200]}")
    tell(f"{len(lessons)} lessons run without a window")
    return lessons


def read_licences(machine: Machine) -> None:
    """Every part comes with the text of its licence."""
    parts = json.loads(machine.inside(f"{COMMAND} licenses --full --json"))
    without = [part["name"] for part in parts if not part["text"]]
    if without:
        raise ProofError(f"parts without the text of their licence: {without}")
    tell(f"{len(parts)} parts with the text of their licence")


def give_model(machine: Machine, model: Path | None) -> str:
    """The name of the model to chat with: the built-in tutor, or one kept from the GPT lesson."""
    found = json.loads(machine.inside(f"{COMMAND} model list --json"))
    if not found and model is not None:
        target = machine.root / HOME.removeprefix("/") / "kept"
        shutil.copytree(model, target)
        machine.inside(f"chown -R {USER} {HOME}/kept", admin=True)
        machine.inside(f"{COMMAND} model import {HOME}/kept 2>&1 && rm -r {HOME}/kept")
        found = json.loads(machine.inside(f"{COMMAND} model list --json"))
    if not found:
        raise ProofError("there is no model to chat with")
    tell(f"models: {', '.join(model['name'] for model in found)}")
    return str(found[0]["name"])


# ------------------------------------------------------------------------------------------------
# With the window


class Learner:
    """Someone at the keyboard of that machine."""

    def __init__(self, machine: Machine, screen: Screen, pictures: Path) -> None:
        self.machine, self.screen, self.pictures = machine, screen, pictures
        self.pictures.mkdir(parents=True, exist_ok=True)

    def opens(self, title: str) -> Program:
        """Start the program; its window shows a lesson."""
        began = time.monotonic()
        program = self.machine.start()
        try:
            wait(lambda: program.ended() or self.screen.title(), 60, "no window")
            if program.ended():
                program.end(5)
            self.expect_title(title)
        except ProofError:
            program.kill()
            raise
        self.screen.focus()
        tell(f"window with “{title}” after {time.monotonic() - began:.1f} s")
        return program

    def expect_title(self, title: str, seconds: float = 20) -> None:
        """The window's title names a lesson."""
        wait(
            lambda: self.screen.title().startswith(title),
            seconds,
            f"the window is not called “{title}”",
        )

    def runs_lesson(self, name: str) -> None:
        """The pictures move while it plays, and stand still while it does not."""
        end = time.monotonic() + LESSON_SECONDS
        # Three times in a row: a page that is still being filled also moves, once or twice.
        while not all(self.moves(1.0) for _ in range(3)):
            if time.monotonic() > end:
                self.picture(f"failed-{name}")
                raise ProofError(f"{name}: nothing moves")
            if not self.moves(5.0):
                self.screen.key("space")
        self.screen.key("space")
        wait(lambda: not self.moves(1.5), 30, f"{name}: moves although it was stopped")
        self.picture(name)
        tell(f"{name}: runs and stops")

    def shows_code(self) -> None:
        """Ctrl+E shows the source of the lesson in place of the panels, and takes it away again."""
        before = self.panels()
        self.screen.key("ctrl+e")
        wait(lambda: (self.panels() != before).mean() > 0.05, 20, "no code is shown")
        time.sleep(1)
        self.picture("code")
        self.screen.key("Escape")
        wait(lambda: (self.panels() != before).mean() < 0.02, 20, "the code stays")
        tell("the code is shown")

    def moves(self, seconds: float) -> bool:
        """Whether a panel changes; the bar under the panels, which moves while loading, is left out."""
        before = self.panels()
        time.sleep(seconds)
        return bool((before != self.panels()).any())

    def panels(self) -> np.ndarray:
        return self.screen.pixels()[60:570, 490:1260]

    def brightness(self) -> float:
        return float(self.screen.pixels().mean())

    def picture(self, name: str) -> None:
        self.screen.save(self.pictures / f"{name}.png")

    def asks(self, question: str) -> None:
        """Open the chat, choose the tutor, ask, wait until the answer is in the database."""
        self.screen.key("ctrl+j")
        time.sleep(3)
        self.screen.click(*MODEL_BUTTON)
        time.sleep(1)
        self.screen.key("Down", "Return")
        time.sleep(8)
        self.screen.click(*QUESTION_FIELD)
        self.screen.type(question)
        self.screen.key("Return")
        try:
            wait(self.answered, 120, "no answer in the chat")
        finally:
            self.picture("chat")
        answer = self.answers()[-1]
        if "relevant" not in answer:  # the word with which the course explains attention
            raise ProofError(f"the tutor does not answer from the course: {answer!r}")
        tell(f"the tutor answered: {answer[:60]!r}")

    def answered(self) -> bool:
        return bool(self.answers()) and self.rows("SELECT state FROM messages")[-1][0] == "done"

    def answers(self) -> list[str]:
        texts = self.rows("SELECT text FROM messages WHERE role = 'assistant' ORDER BY id")
        return [text for (text,) in texts if text.strip()]

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """From the program's database, as it is now."""
        place = f"file:{self.machine.data / 'glassbox.sqlite3'}?mode=ro"
        connection = sqlite3.connect(place, uri=True)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def remembered(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that has to be there again after a restart."""
        return {
            "settings": self.rows("SELECT name, value FROM settings ORDER BY name"),
            "positions": self.rows("SELECT lesson, step, parameters, seed FROM positions"),
            "messages": self.rows("SELECT id, role, text, state FROM messages ORDER BY id"),
            "conversations": self.rows("SELECT id, title, model FROM conversations ORDER BY id"),
        }

    def quits(self, program: Program) -> None:
        """Ctrl+Q; then nothing was printed or logged."""
        for _ in range(3):  # without a window manager a key can be lost after a change of focus
            self.screen.focus()
            self.screen.key("ctrl+q")
            ends = time.monotonic() + 8
            while not program.ended() and time.monotonic() < ends:
                time.sleep(0.2)
            if program.ended():
                break
            self.picture("not-quitting")
        program.end(10)
        logs = list(self.machine.data.glob("*.log*"))
        lines = [line for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if " INFO started: " not in line]
        if lines:
            raise ProofError("the program logged:\n" + "\n".join(lines[:40]))
        tell("quit: status 0, nothing printed, nothing logged")


def use(learner: Learner, lessons: list[dict[str, Any]]) -> None:
    """Everything a learner does in two sittings, with an update of the program between them."""
    titles = [lesson["title"] for lesson in lessons]
    program = learner.opens(titles[0]["en"])
    try:
        for number, lesson in enumerate(lessons):
            if number:
                learner.screen.key("ctrl+Next")
                learner.expect_title(titles[number]["en"])
            learner.runs_lesson(lesson["slug"])
            if not number:
                learner.shows_code()
        learner.asks("What is attention?")
        learner.screen.key("ctrl+shift+e")
        learner.expect_title(titles[-1]["zh"])
        before = learner.brightness()
        learner.screen.key("ctrl+shift+l")
        wait(lambda: learner.brightness() < before - 60, 10, "the window does not turn dark")
        tell("Chinese, and dark")
        learner.picture("dark")
        learner.quits(program)
        kept = learner.remembered()
    finally:
        program.kill()
    visited = {lesson for lesson, *_ in kept["positions"]}
    if visited != {lesson["slug"] for lesson in lessons}:
        raise ProofError(f"positions were kept for {visited}")
    update(learner.machine)
    program = learner.opens(titles[-1]["zh"])
    try:
        wait(lambda: learner.brightness() < before - 60, 20, "the window is not dark any more")
        second = learner.machine.start()
        try:
            wait(second.ended, 60, "the second start does not end")
            second.end(5)
        except ProofError:
            learner.picture("second-start")
            raise
        finally:
            second.kill()
        if len(learner.screen.windows()) != 1:
            raise ProofError("a second start opened a second window")
        tell("a second start showed the first window")
        time.sleep(5)
        learner.picture("again")
        again = learner.remembered()
        if again != kept:
            raise ProofError(f"not as it was left:\n{kept}\n{again}")
        learner.quits(program)
    finally:
        program.kill()
    tell("found everything where it was")


def tell(line: str) -> None:
    """What was proved, as it happens."""
    print(f"  {line}", flush=True)


def main(dist: Path, work: Path, model: Path | None) -> None:
    """Install, use, uninstall."""
    machine = Machine((work / "root").resolve())
    archive, deb = next(dist.glob("*.tar.zst")), next(dist.glob("*.deb"))
    os.umask(0o022)
    screen = Screen(DISPLAY, work / "screen")
    try:
        machine.prepare()
        install_deb(machine, deb)
        remove_deb(machine)
        install_archive(machine, archive)
        lessons = commands(machine)
        give_model(machine, model)
        use(Learner(machine, screen, work / "pictures"), lessons)
        read_licences(machine)
        remove_archive(machine)
    except ProofError as error:
        print(f"NOT PROVED: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        screen.close()
    print("proved")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
