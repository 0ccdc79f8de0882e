"""Markdown to the rich text Qt can show, safely: nothing in a text can reach the widget as markup.

Raw HTML is escaped, images are not fetched, links keep only the schemes we know. Formulas become
images called ``math:…``, which ``ui.rich_text`` paints. Used for lesson prose,
cards and chat. Imports markdown-it, pygments and the theme; no torch.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

from desktop.bilingual import Language
from desktop.ui.theme import Palette, palette

BOXES = ("try", "mistake", "sources", "note")
SCHEMES = ("do", "glossary", "lesson", "http", "https")
_LINE_HEIGHT: dict[Language, float] = {"zh": 1.65, "en": 1.5}


@dataclass(frozen=True)
class TextStyle:
    """How a piece of Markdown is set."""

    language: Language
    pixels: float = 15.0
    box_titles: Mapping[str, str] | None = None

    @property
    def line_height(self) -> float:
        """Pixels from baseline to baseline."""
        return round(self.pixels * _LINE_HEIGHT[self.language])


# ------------------------------------------------------------------------------------------------
# Markdown to HTML


def to_html(markdown: str, style: TextStyle) -> str:
    """The body of an HTML document for ``QTextDocument.setHtml``."""
    env: dict[str, Any] = {"style": style}
    return str(_parser().render(markdown, env))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    parser.use(dollarmath_plugin, allow_labels=False, double_inline=True, allow_digits=True)
    for name in BOXES:
        parser.use(container_plugin, name)
    _own_rules(parser)
    parser.core.ruler.push("thin_spaces", _thin_spaces)
    return parser


class _Renderer(RendererHTML):
    """Writes the subset of HTML that Qt's rich text understands."""

    def math_inline(self, tokens: Sequence[Token], index: int, *rest: Any) -> str:
        return _math(tokens[index].content, "inline")

    def math_inline_double(self, tokens: Sequence[Token], index: int, *rest: Any) -> str:
        return _math(tokens[index].content, "display")

    def math_block(self, tokens: Sequence[Token], index: int, *rest: Any) -> str:
        return f'<p class="display">{_math(tokens[index].content, "display")}</p>'

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return html.escape(tokens[idx].content)

    def code_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return f'<span class="code">{html.escape(tokens[idx].content)}</span>'

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return _code(tokens[idx].content, "")

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _code(tokens[idx].content, tokens[idx].info.strip().split(" ")[0])

    def table_open(self, tokens: Sequence[Token], index: int, *rest: Any) -> str:
        return '<table class="grid" cellspacing="0" cellpadding="5" border="1">'

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        target = str(tokens[index].attrGet("href") or "")
        scheme = target.partition(":")[0]
        if scheme not in SCHEMES:
            return '<span class="plain">'
        kind = "web" if scheme in ("http", "https") else scheme
        # A letter, not a picture: a line may break beside a picture, and would strand it there.
        # The space keeps both together; Qt would turn a narrow one into one where lines break.
        before = '<span class="mark">►&#160;</span>' if kind == "do" else ""
        return f'<a class="{kind}" href="{html.escape(target)}">{before}'

    def link_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        opened = _opening(tokens, index)
        target = str(opened.attrGet("href") or "") if opened else ""
        if target.partition(":")[0] not in SCHEMES:
            return "</span>"
        after = '<span class="mark">&#160;↗</span>' if target.startswith("http") else ""
        return f"{after}</a>"

    def _box_open(self, name: str, env: EnvType) -> str:
        style: TextStyle = env["style"]
        title = html.escape((style.box_titles or {}).get(name, ""))
        role = {"try": "accent", "mistake": "warning"}.get(name, "hairline")
        edge = getattr(palette(), role)
        heading = f'<p class="box-title {name}-title">{title}</p>' if title else ""
        return (
            '<table class="box" width="100%" cellspacing="0" cellpadding="0"><tr>'
            f'<td width="3" bgcolor="{edge}"></td>'
            f'<td class="box-{name}" style="padding: 8px 12px 9px 12px">{heading}'
        )


def _opening(tokens: Sequence[Token], index: int) -> Token | None:
    depth = 0
    for token in reversed(tokens[:index]):
        depth += {"link_close": 1, "link_open": -1}.get(token.type, 0)
        if depth < 0:
            return token
    return None


def _own_rules(parser: MarkdownIt) -> None:
    """The plug-ins bring renderers of their own; these come after and replace them."""
    for name in ("math_inline", "math_inline_double", "math_block"):
        parser.add_render_rule(name, getattr(_Renderer, name))
    for box in BOXES:
        parser.add_render_rule(f"container_{box}_open", _box_opener(box))
        parser.add_render_rule(f"container_{box}_close", _box_closed)


def _box_opener(box: str) -> Any:
    def opened(self: _Renderer, *rest: Any) -> str:
        return self._box_open(box, rest[-1])

    return opened


def _box_closed(*_: Any) -> str:
    return "</td></tr></table>"


def _math(latex: str, mode: str) -> str:
    return f'<img src="math:{mode}:{quote(latex.strip(), safe="")}">'


def _code(source: str, language: str) -> str:
    return f'<pre class="block">{highlighted(source.rstrip(), language)}</pre>'


# ------------------------------------------------------------------------------------------------
# Code colours


def token_color(kind: _TokenType, colors: Palette) -> str:
    """The colour of a Pygments token in a theme; plain text is ink."""
    for group, color in (
        (Comment, colors.muted),
        (String, colors.good),
        (Keyword, colors.accent),
        (Number, colors.warning),
        (Name.Function, colors.ink),
        (Name.Decorator, colors.accent),
        (Name.Builtin, colors.accent),
        (Operator.Word, colors.accent),
    ):
        if kind in group:
            return color
    return colors.ink


def lexed(source: str, language: str) -> list[tuple[_TokenType, str]]:
    """The source cut into tokens; plain text when the language is unknown."""
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False, ensurenl=False)
    return list(lexer.get_tokens(source))


def highlighted(source: str, language: str) -> str:
    """Source as HTML spans in the theme's colours."""
    pieces = []
    for kind, text in lexed(source, language):
        bold = kind in Name.Function or kind in Name.Class
        weight = ";font-weight:600" if bold else ""
        color = token_color(kind, palette())
        pieces.append(f'<span style="color:{color}{weight}">{html.escape(text)}</span>')
    return "".join(pieces)


# ------------------------------------------------------------------------------------------------
# Thin spaces between Chinese and Latin

_CJK = "\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff"
_THIN = "\u2009"
_INSIDE = re.compile(f"(?<=[{_CJK}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[{_CJK}])")
_IS_CJK = re.compile(f"[{_CJK}]")
_IS_LATIN = re.compile(r"[A-Za-z0-9]")


def spaced(text: str) -> str:
    """Thin spaces where Chinese meets Latin letters or digits and the author set none."""
    return _INSIDE.sub(_THIN, text)


def _thin_spaces(state: Any) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            _space_inline(token.children)


def _space_inline(children: list[Token]) -> None:
    last = ""
    for child in children:
        if child.type == "text":
            child.content = spaced(child.content)
            if child.content:
                if _meet(last, child.content[0]):
                    child.content = _THIN + child.content
                last = child.content[-1]
        elif child.type in ("math_inline", "code_inline"):
            if _meet(last, "x"):
                _append_thin(children, child)
            last = "x"
        elif child.type in ("softbreak", "hardbreak"):
            last = " "


def _append_thin(children: list[Token], before: Token) -> None:
    at = next(index for index, child in enumerate(children) if child is before)
    for child in reversed(children[:at]):
        if child.type == "text" and child.content:
            child.content += _THIN
            return


def _meet(before: str, after: str) -> bool:
    return bool(
        (_IS_CJK.match(before) and _IS_LATIN.match(after))
        or (_IS_LATIN.match(before) and _IS_CJK.match(after))
    )
