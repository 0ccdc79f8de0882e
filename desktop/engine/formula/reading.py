"""From a text to the tree of a formula: a tokenizer and a small recursive-descent parser.

The grammar, loosest binding first::

    sum     = product (("+" | "-") product)*
    product = unary (("*" | "/" | nothing) unary)*      2x and 3(x+1) multiply
    unary   = ("-" | "+") unary | power
    power   = atom ("^" unary)?                         so -x^2 = -(x^2) and 2^3^2 = 2^9
    atom    = number | x | y | pi | e | name "(" sum ("," sum)* ")" | "(" sum ")"

Whatever cannot be read raises ``FormulaError``, which says where. Imports the tree, nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from desktop.bilingual import Bilingual, GlassboxError
from desktop.engine.formula.tree import (
    CONSTANTS,
    FUNCTION_NAMES,
    NUMPY_FUNCTIONS,
    TWO_ARGUMENTS,
    VARIABLES,
    Node,
    Number,
    Variable,
    call,
    negate,
    operate,
)

MAX_LENGTH = 200
MAX_DEPTH = 40
ALIASES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "π": "pi"}
GENERAL_HINT = Bilingual("例如：sin(x) + y^2 / 4", "For example: sin(x) + y^2 / 4")


class FormulaError(GlassboxError):
    """The formula cannot be read; ``position`` is the index of the offending character."""

    def __init__(self, text: str, position: int, message: Bilingual, hint: Bilingual) -> None:
        where = Bilingual(f"公式第 {position + 1} 个字符处：", f"Character {position + 1}: ")
        super().__init__(
            Bilingual(where.zh + message.zh, where.en + message.en),
            hint,
            details=f"{text}\n{' ' * position}^",
        )
        self.position = position


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z_0-9]*|π)"
    r"|(?P<power>\*\*)"
    r"|(?P<symbol>[-+*/^(),²³√]))"
)
# One character for one, so that positions stay those of the text the learner typed.
_SAME_MEANING = str.maketrans(
    {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")", "\u3000": " "}
    | {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
)


@dataclass(frozen=True)
class Token:
    """A piece of the text: its kind (number, name, or the symbol itself), text and position."""

    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[Token]:
    """The tokens of ``text`` and a final ``end``; raises at a character that means nothing."""
    plain = text.translate(_SAME_MEANING)
    found, at = [], 0
    while plain[at:].strip():
        match = _TOKEN.match(plain, at)
        if match is None:
            at += len(plain[at:]) - len(plain[at:].lstrip())
            raise FormulaError(
                text,
                at,
                Bilingual(f"不认识“{text[at]}”。", f"“{text[at]}” means nothing here."),
                Bilingual(
                    "可以用：数字、x、y、+ - * / ^、括号和函数。",
                    "Use numbers, x, y, + - * / ^, brackets and functions.",
                ),
            )
        kind = str(match.lastgroup)
        piece = match.group(kind)
        if kind in ("power", "symbol"):
            kind = "^" if kind == "power" else piece
        found.append(Token(kind, piece, match.start(str(match.lastgroup))))
        at = match.end()
    return [*found, Token("end", "", len(text.rstrip()))]


class Parser:
    """One method per rule of the grammar above; each returns the tree of what it has read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def fail(self, token: Token, zh: str, en: str, hint: Bilingual | None = None) -> FormulaError:
        return FormulaError(self.text, token.position, Bilingual(zh, en), hint or GENERAL_HINT)

    def whole(self) -> Node:
        if self.next.kind == "end":
            raise self.fail(self.next, "公式是空的。", "the formula is empty.")
        tree = self.sum()
        if self.next.kind == ")":
            raise self.fail(
                self.next, "多了一个右括号。", "this closing bracket has no opening one."
            )
        if self.next.kind != "end":
            raise self.unexpected()
        return tree

    def sum(self) -> Node:
        tree = self.product()
        while self.next.kind in ("+", "-"):
            operator = self.take().kind
            tree = operate(operator, tree, self.product())
        return tree

    def product(self) -> Node:
        tree = self.unary()
        while True:
            if self.next.kind in ("*", "/"):
                operator = self.take().kind
                tree = operate(operator, tree, self.unary())
            elif self.next.kind in ("number", "name", "(", "√"):
                tree = operate("*", tree, self.power())
            else:
                return tree

    def unary(self) -> Node:
        sign = self.next
        if sign.kind not in ("+", "-"):
            return self.power()
        self.take()
        self.enter(sign)
        inner = self.unary()
        self.depth -= 1
        return negate(inner) if sign.kind == "-" else inner

    def power(self) -> Node:
        base = self.atom()
        if self.next.kind in ("²", "³"):
            return operate("^", base, Number(2.0 if self.take().kind == "²" else 3.0))
        if self.next.kind != "^":
            return base
        self.enter(self.take())
        exponent = self.unary()
        self.depth -= 1
        return operate("^", base, exponent)

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(float(token.text))
        if token.kind == "(":
            self.enter(token)
            tree = self.sum()
            self.close(token)
            return tree
        if token.kind == "√":
            self.enter(token)
            tree = call("sqrt", (self.atom(),))
            self.depth -= 1
            return tree
        if token.kind == "name":
            return self.named(token)
        self.at -= 1
        raise self.unexpected()

    def named(self, token: Token) -> Node:
        name = ALIASES.get(token.text.lower(), token.text.lower())
        if name in VARIABLES:
            return Variable(name)
        if name in CONSTANTS:
            return Number(CONSTANTS[name])
        if name not in NUMPY_FUNCTIONS:
            raise self.unknown(token)
        if self.next.kind != "(":
            raise self.fail(
                self.next,
                f"函数 {name} 后面要有括号。",
                f"the function {name} needs brackets.",
                Bilingual(f"例如 {name}(x)。", f"For example {name}(x)."),
            )
        return call(name, self.arguments(token, name))

    def arguments(self, token: Token, name: str) -> tuple[Node, ...]:
        opening = self.take()
        self.enter(opening)
        found = [self.sum()]
        while self.next.kind == ",":
            self.take()
            found.append(self.sum())
        self.close(opening)
        wanted = 2 if name in TWO_ARGUMENTS else 1
        if len(found) != wanted:
            raise self.fail(
                token,
                f"{name} 需要 {wanted} 个自变量，这里有 {len(found)} 个。",
                f"{name} takes {wanted} argument{'s' * (wanted > 1)} and got {len(found)}.",
            )
        return tuple(found)

    def enter(self, token: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(token, "嵌套太深。", "this is nested too deeply.")

    def close(self, opening: Token) -> None:
        if self.next.kind == "end":
            raise self.fail(opening, "这个左括号没有闭合。", "this bracket is never closed.")
        if self.next.kind != ")":
            raise self.unexpected()
        self.take()
        self.depth -= 1

    def unexpected(self) -> FormulaError:
        token = self.next
        if token.kind == "end":
            return self.fail(token, "公式没有写完。", "the formula stops too early.")
        if token.kind == ",":
            hint = Bilingual("小数用点：0.5。", "Write decimals with a point: 0.5.")
            return self.fail(token, "这里不该有逗号。", "a comma makes no sense here.", hint)
        return self.fail(
            token,
            f"“{token.text}”前面缺了什么。",
            f"something is missing before “{token.text}”.",
        )

    def unknown(self, token: Token) -> FormulaError:
        letters = set(token.text.lower())
        if letters <= set(VARIABLES):
            product = "*".join(token.text.lower())
            hint = Bilingual(f"相乘请写成 {product}。", f"To multiply, write {product}.")
        else:
            names = ", ".join(FUNCTION_NAMES)
            hint = Bilingual(
                f"变量是 x 和 y；可用的函数：{names}。",
                f"The variables are x and y; the functions are {names}.",
            )
        return self.fail(
            token, f"没有叫“{token.text}”的东西。", f"there is nothing called “{token.text}”.", hint
        )


def read(text: str) -> Node:
    """The tree of ``text``; raises ``FormulaError`` with the position of the first problem."""
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            text[:MAX_LENGTH],
            MAX_LENGTH - 1,
            Bilingual(
                f"公式太长（最多 {MAX_LENGTH} 个字符）。",
                f"the formula is too long (at most {MAX_LENGTH} characters).",
            ),
            GENERAL_HINT,
        )
    return Parser(text).whole()
