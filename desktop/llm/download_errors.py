"""What can go wrong with a download, in words. Opens nothing; imports no torch."""

from __future__ import annotations

from desktop.bilingual import Bilingual, GlassboxError

KEPT = Bilingual(
    "已经下载的部分都留着，下次会接着下。",
    "What has come so far is kept; the next try goes on from there.",
)
BROKEN = Bilingual("连接断了", "the connection broke")
BUSY = Bilingual("服务器正忙", "the server is busy")
TOO_LONG = Bilingual("服务器发来的内容太长", "the server sent too much")


class DownloadError(GlassboxError):
    """A download that cannot start or go on."""


class TryAgainError(Exception):
    """A failure that may pass; ``wait`` is what the server asks for, in seconds."""

    def __init__(self, reason: Bilingual, wait: float = 0.0, details: str = "") -> None:
        super().__init__(details or reason.en)
        self.reason, self.wait = reason, wait


def refused(address: str, status: int, details: str) -> DownloadError:
    """The server answered, and the answer is no."""
    if status in (404, 410):
        return DownloadError(
            Bilingual(
                f"{address} 上没有这个模型（HTTP {status}）。",
                f"{address} does not have this model (HTTP {status}).",
            ),
            Bilingual("如果用的是镜像，换一个试试。", "If this is a mirror, try another one."),
            details,
        )
    if status in (401, 403, 451):
        return DownloadError(
            Bilingual(
                f"{address} 不允许下载这个模型（HTTP {status}）。",
                f"{address} does not give this model away (HTTP {status}).",
            ),
            Bilingual(
                "可能是网络或地区的限制，换一个镜像试试。",
                "The network or region may be blocked; try a mirror.",
            ),
            details,
        )
    what_zh, what_en = ("正忙", "is busy") if status == 429 else ("出错了", "has a problem")
    return DownloadError(
        Bilingual(
            f"{address} {what_zh}（HTTP {status}）。", f"{address} {what_en} (HTTP {status})."
        ),
        Bilingual("过一会儿再试。", "Try again later."),
        details,
    )


def unreachable(address: str, details: str) -> DownloadError:
    """No answer at all."""
    return DownloadError(
        Bilingual(f"连不上 {address}。", f"{address} cannot be reached."),
        Bilingual(
            "检查网络；如果平时要用代理或镜像，请在设置里填上。",
            "Check the network; if you need a proxy or a mirror, enter it in the settings.",
        ),
        details,
    )


def not_understood(address: str, details: str) -> DownloadError:
    """An answer that is not the hub's."""
    return DownloadError(
        Bilingual(f"{address} 的回答看不懂。", f"The answer of {address} makes no sense."),
        Bilingual(
            "这可能不是模型站点，或者需要先在浏览器里登录网络。",
            "It may be no model hub, or the network wants you to sign in with a browser first.",
        ),
        details,
    )


def other_content(address: str, name: str) -> DownloadError:
    """A mirror that offers something else under a known name."""
    return DownloadError(
        Bilingual(
            f"{address} 上的 {name} 不是微软发布的那一份，没有下载。",
            f"{name} at {address} is not the file that Microsoft published; it was not downloaded.",
        ),
        Bilingual("换一个镜像。", "Use another mirror."),
    )


def wrong_checksum(name: str) -> DownloadError:
    """Twice the same bytes wrong: not chance."""
    return DownloadError(
        Bilingual(
            f"{name} 下载了两次，内容都和公布的校验值不一致。",
            f"{name} was downloaded twice, and its checksum was wrong both times.",
        ),
        Bilingual(
            "网络中间可能有东西改动了文件，换一个网络或镜像再试。",
            "Something on the way may change the file; try another network or mirror.",
        ),
    )


def gave_up(address: str, reason: Bilingual, details: str) -> DownloadError:
    """Tried again and again."""
    return DownloadError(
        Bilingual(
            f"从 {address} 下载试了很多次都没成功：{reason.zh}。",
            f"Downloading from {address} failed again and again: {reason.en}.",
        ),
        KEPT,
        details,
    )


def offline() -> DownloadError:
    """The user said so."""
    return DownloadError(
        Bilingual(
            "环境变量 HF_HUB_OFFLINE 禁止了联网。",
            "The environment variable HF_HUB_OFFLINE forbids using the network.",
        ),
        Bilingual("要下载，请先去掉它。", "Remove it to download."),
    )


def bad_proxy(proxy: str, details: str) -> DownloadError:
    """A proxy address that is none."""
    return DownloadError(
        Bilingual(f"代理地址“{proxy}”不对。", f"“{proxy}” is no proxy address."),
        Bilingual("例如：http://127.0.0.1:7890", "An example: http://127.0.0.1:7890"),
        details,
    )


def already_running() -> DownloadError:
    """Another Glassbox is at it."""
    return DownloadError(
        Bilingual(
            "另一个 Glassbox 正在下载这个模型。", "Another Glassbox is downloading this model."
        ),
        Bilingual("等它下完。", "Wait until it has finished."),
    )
