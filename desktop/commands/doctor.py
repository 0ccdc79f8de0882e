"""``glassbox doctor``: what this machine has, what is missing, and what would run where and why.

For someone whose window does not open as much as for someone with a graphics card: every part is
looked at on its own, and one that fails is reported instead of ending the report. Nothing is changed
and nothing is sent anywhere. The status is not 0 when a part that Glassbox needs does not work.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from desktop import __version__, paths, tutor
from desktop.bilingual import Bilingual, GlassboxError
from desktop.commands.arguments import Parser
from desktop.commands.output import Output, table

LIBRARIES = ("numpy", "safetensors", "tokenizers", "ziamath", "markdown_it")


def add_arguments(parser: Parser) -> None:
    """Nothing but what every command takes."""


def run(arguments: argparse.Namespace) -> int:
    """Look at everything and print it."""
    output: Output = arguments.output
    report = examine(paths.data_dir(arguments.data_dir))
    output.data(report)
    _print(output, report)
    return 1 if report["problems"] else 0


def examine(data_dir: Path) -> dict[str, Any]:
    """The whole report as ``--json`` shows it."""
    problems: list[Bilingual] = []
    report: dict[str, Any] = {
        "version": __version__,
        "python": platform.python_version(),
        "torch": _version("torch", problems),
        "qt": _version("PySide6", problems),
        "libraries": {name: _version(name, problems) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "frozen": bool(getattr(sys, "frozen", False)),
        "memory": _memory(),
        "threads": _threads(),
        "devices": _devices() if "torch" in sys.modules else [],
        "lessons": _lessons(problems),
        "models": _models(data_dir / "models"),
        "tutor": tutor.model_folder().is_dir(),
        "data_dir": str(data_dir),
        "data_dir_writable": _writable(data_dir),
        "data_dir_free_bytes": shutil.disk_usage(_existing(data_dir)).free,
        "fonts": _fonts(problems),
        "problems": problems,
    }
    if not report["data_dir_writable"]:
        problems.append(
            Bilingual(
                f"数据文件夹 {data_dir} 不能写入：学习进度不会被保存。",
                f"The data folder {data_dir} cannot be written to: progress will not be kept.",
            )
        )
    return report


# ------------------------------------------------------------------------------------------------
# Parts


def _version(module: str, problems: list[Bilingual]) -> str | None:
    try:
        found = importlib.import_module(module)
    except (ImportError, OSError) as error:
        problems.append(Bilingual(f"{module} 不能用：{error}", f"{module} does not work: {error}"))
        return None
    return str(getattr(found, "__version__", "")) or _installed(module)


def _installed(module: str) -> str:
    from desktop import licences

    name = module.replace("_", "-")
    known = {part.name.replace("_", "-").lower(): part.version for part in licences.parts()}
    return next((version for part, version in known.items() if part.startswith(name.lower())), "?")


def _memory() -> dict[str, int]:
    import psutil

    memory = psutil.virtual_memory()
    return {"total_bytes": memory.total, "free_bytes": memory.available}


def _threads() -> dict[str, int]:
    from desktop.runtime.worker import torch_threads

    return {"cores": os.cpu_count() or 1, "experiment": torch_threads()}


def _devices() -> list[dict[str, Any]]:
    import torch

    memory = _memory()
    devices = [
        {
            "name": _processor(),
            "kind": "cpu",
            "capability": torch.backends.cpu.get_cpu_capability(),
            "memory_bytes": memory["total_bytes"],
            "free_bytes": memory["free_bytes"],
            **_language_model("cpu", memory["free_bytes"]),
        }
    ]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return devices + [_card(f"cuda:{number}") for number in range(count)]


def _card(kind: str) -> dict[str, Any]:
    import torch

    from desktop.llm.devices import card_failed
    from desktop.llm.fast_open import planned_path

    try:
        major, minor = torch.cuda.get_device_capability(kind)
        free, total = torch.cuda.mem_get_info(kind)
        return {
            "name": torch.cuda.get_device_name(kind),
            "kind": kind,
            "capability": f"{major}.{minor}",
            "memory_bytes": total,
            "free_bytes": free,
            **_language_model(kind, free),
        }
    except RuntimeError as error:  # a driver that does not fit, a card that is broken
        unknown = {"name": "?", "kind": kind, "capability": "?", "memory_bytes": 0, "free_bytes": 0}
        path, _ = planned_path()
        why = card_failed(error)
        return {**unknown, "chat_path": path, "why": why, "phi_2_bytes": 0, "fits_phi_2": False}


def _language_model(device: str, free: int) -> dict[str, Any]:
    """How a model of Phi-2's size would be computed here, why so, and whether it would fit."""
    from desktop.commands.bench_chat_random import phi_2
    from desktop.llm.fast_open import expected_memory, planned_path
    from desktop.llm.memory import judge

    config = phi_2()
    path, why = planned_path(device)
    expected = expected_memory(config, config.max_position_embeddings, device)
    verdict = judge(config, expected, free)
    return {
        "chat_path": path,
        "why": Bilingual(f"{why.zh}Phi-2：{verdict.text.zh}", f"{why.en} Phi-2: {verdict.text.en}"),
        "phi_2_bytes": expected.total,
        "fits_phi_2": verdict.fits,
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _lessons(problems: list[Bilingual]) -> int:
    from desktop.course import load_course

    course = load_course(paths.lessons())
    problems += [problem.message for problem in course.problems]
    return len(course.lessons)


def _models(folder: Path) -> list[dict[str, Any]]:
    """Models as the models manager sees them: headers and sizes are checked, weights not read."""
    try:
        from desktop.llm.store import BrokenModel, ModelStore

        models = ModelStore(folder).look(clear_up=False)
    except (ImportError, OSError, GlassboxError):  # no torch, or no right to look: reported above
        return []
    found = []
    for model in models:
        broken = isinstance(model, BrokenModel)
        files = [path for path in model.path.iterdir() if path.is_file()]
        found.append(
            {
                "name": model.name,
                "path": str(model.path),
                "type": None if broken else "phi",
                "bytes": sum(path.stat().st_size for path in files),
                "complete": not broken,
                "why": model.error.message if isinstance(model, BrokenModel) else None,
            }
        )
    return found


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _writable(folder: Path) -> bool:
    existing = _existing(folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _fonts(problems: list[Bilingual]) -> dict[str, str]:
    """The families the window would use: the window's own functions are asked, without a screen."""
    try:
        from PySide6.QtGui import QGuiApplication

        from desktop.ui import fonts

        application = QGuiApplication.instance()
        if application is None:
            application = QGuiApplication(["glassbox", "-platform", "offscreen"])
        found = {
            "zh": fonts.chinese_family(),
            "latin": fonts.first_installed(fonts.LATIN),
            "mono": fonts.mono_family(),
        }
    except (ImportError, OSError) as error:
        problems.append(
            Bilingual(f"Qt 的界面部分打不开：{error}", f"Qt's interface cannot be loaded: {error}")
        )
        return {"zh": "", "latin": "", "mono": ""}
    if not found["zh"]:
        problems.append(
            Bilingual(
                "没有找到中文字体：窗口会用英文显示。",
                "No Chinese font was found: the window will use English.",
            )
        )
    return found


# ------------------------------------------------------------------------------------------------
# For people


def _print(output: Output, report: dict[str, Any]) -> None:
    if output.as_json:
        return
    label = {"zh": _ROWS_ZH, "en": _ROWS_EN}[output.language]
    memory, threads, font = report["memory"], report["threads"], report["fonts"]
    none = output.pick(Bilingual("没有", "none"))
    free = output.pick(Bilingual("空闲", "free"))
    built_in = [output.pick(_TUTOR)] if report["tutor"] else []
    rows: list[tuple[str, ...]] = [
        ("Glassbox", report["version"]),
        ("Python", f"{report['python']}, {report['system']}"),
        ("torch", report["torch"] or none),
        ("Qt", report["qt"] or none),
        (
            label[0],
            f"{_gigabytes(memory['total_bytes'])}, {_gigabytes(memory['free_bytes'])} {free}",
        ),
        (label[1], f"{threads['experiment']} / {threads['cores']}"),
        (label[2], font["zh"] or none),
        (label[3], str(report["lessons"])),
        (label[4], ", ".join([*built_in, *(model["name"] for model in report["models"])]) or none),
        (label[5], f"{report['data_dir']} ({_gigabytes(report['data_dir_free_bytes'])} {free})"),
    ]
    for line in table(rows):
        output.say(line)
    output.say("")
    for device in report["devices"]:
        output.say(f"  {device['name']} ({device['kind']}, {device['capability']})")
        output.say(f"    {device['chat_path']}: {output.pick(device['why'])}")
    output.say(
        Bilingual(
            "  课程的实验都在处理器上运行：它们很小，搬到显卡上的时间比计算还长。",
            "  The lessons' experiments run on the processor: they are small, and moving them to a "
            "graphics card would take longer than computing.",
        )
    )
    for problem in report["problems"]:
        output.warn(problem)


_TUTOR = Bilingual("内置导师", "built-in tutor")
_ROWS_ZH = ("内存", "实验线程 / 核心", "中文字体", "课程数", "模型", "数据文件夹")
_ROWS_EN = ("memory", "threads / cores", "Chinese font", "lessons", "models", "data folder")


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
