"""Query text to tokens, and the cursor both parsers read them with.

Tokens are plain strings found by one compiled expression; where a token stands is worked out only
when an error has to name the place, so a good query never pays for it.
"""

import re
from collections.abc import Callable
from string import ascii_letters
from typing import TypeVar

from o2c_twin.mock_systems.wire.query.errors import Place, QueryError, RuleBroken, SyntaxFault

_STARTS_NAME = frozenset(ascii_letters + "_")
_MAX_DEPTH = 60
_Part = TypeVar("_Part")


class Places:
    """Where the tokens of ``text`` stand, for those who have to name a place in it.

    ``pattern`` must match every character but white space, and have no groups. Comments (``--`` and
    ``/*``) may be among its matches; they are dropped.
    """

    __slots__ = ("pattern", "text")

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self.pattern = pattern
        self.text = text

    def place(self, at: int) -> Place:
        """Row and column of token ``at``."""
        seen = -1
        offset = len(self.text)
        for match in self.pattern.finditer(self.text):
            seen += not match[0].startswith(("--", "/*"))
            if seen == at:
                offset = match.start()
                break
        start = self.text.rfind("\n", 0, offset) + 1
        return Place(offset, self.text.count("\n", 0, offset) + 1, offset - start + 1)


class Tokens(Places):
    """The tokens of ``text``; ``words[i]`` as written, ``upper[i]`` for keywords; the last is empty."""

    __slots__ = ("upper", "words")

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        super().__init__(pattern, text)
        words = pattern.findall(text)
        if "--" in text or "/*" in text:
            words = [word for word in words if not word.startswith(("--", "/*"))]
        words.append("")
        self.words: list[str] = words
        self.upper = [word.upper() for word in words]


class Cursor:
    """Reads tokens one after another. A parser adds the grammar."""

    __slots__ = ("at", "depth", "tokens", "upper", "words")

    reserved: frozenset[str] = frozenset()

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.words = tokens.words
        self.upper = tokens.upper
        self.at = 0
        self.depth = 0

    def fault(self, expected: str = "", at: int | None = None) -> QueryError:
        """The error for the token at ``at``, by default the next one."""
        at = self.at if at is None else at
        return SyntaxFault(self.tokens.place(at), self.words[at], expected)

    def take(self, word: str) -> bool:
        """Step over ``word`` (upper case) if it is next."""
        if self.upper[self.at] == word:
            self.at += 1
            return True
        return False

    def need(self, *words: str) -> None:
        """Step over these words or fail."""
        for word in words:
            if self.upper[self.at] != word:
                raise self.fault(word)
            self.at += 1

    def is_name(self) -> bool:
        """Whether a name, dotted or not, is next."""
        word = self.words[self.at]
        return word[:1] in _STARTS_NAME and self.upper[self.at] not in self.reserved and ":" not in word

    def name(self) -> str:
        """A name, dotted or not."""
        if not self.is_name():
            raise self.fault("a name")
        self.at += 1
        return self.words[self.at - 1]

    def plain_name(self) -> str:
        """A name without dots."""
        if "." in self.words[self.at]:
            raise self.fault("a name without a dot")
        return self.name()

    def count(self) -> int:
        """A whole number."""
        word = self.words[self.at]
        if not (word.isascii() and word.isdigit()):
            raise self.fault("a whole number")
        if len(word) > 18:
            raise RuleBroken(self.tokens.place(self.at), "bad value", word)
        self.at += 1
        return int(word)

    def listed(self, read: Callable[[], _Part]) -> tuple[_Part, ...]:
        """One or more parts, separated by commas."""
        parts = [read()]
        while self.take(","):
            parts.append(read())
        return tuple(parts)

    def direction(self) -> tuple[bool, bool | None]:
        """``ASC`` or ``DESC``, then ``NULLS FIRST`` or ``LAST``: whether descending, and whether nulls are first."""
        descending = self.take("DESC")
        if not descending:
            self.take("ASC")
        if not self.take("NULLS"):
            return descending, None
        first = self.take("FIRST")
        if not first:
            self.need("LAST")
        return descending, first

    def deeper(self) -> None:
        """Count one level of nesting; the caller takes it off again. Keeps recursion bounded."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.fault("less nesting")

    def end(self) -> None:
        """Fail unless the text is used up."""
        if self.words[self.at]:
            raise self.fault("the end of the query")
