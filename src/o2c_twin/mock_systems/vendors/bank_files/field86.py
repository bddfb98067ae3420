"""MT940 field 86, 'information to account owner', in the dialects banks have for it.

Six lines of 65 characters (SWIFT MT940, 6*65x). ``german``: DK data formats (annex 3 of the German remote banking
agreement), structured use of field 86: business code, ``?00`` posting text, ``?20`` to ``?29`` and ``?60`` to ``?63``
purpose in pieces of 27, each code word at the start of a piece, ``?31`` account, ``?32`` and ``?33`` name.
``slash``: code words between slashes, as in the Netherlands. ``plain`` and ``wrapped``: free text.
"""

from collections.abc import Callable
from dataclasses import dataclass

from o2c_twin.mock_systems.roles.bank import EntryKind
from o2c_twin.mock_systems.vendors.bank_files.config import Field86

LINE, LINES = 65, 6
_PIECE = 27
_PURPOSE = (*range(20, 30), *range(60, 64))

# Business codes and posting texts by kind, for credits and debits. Codes from public lists of the DK's; 835 is the
# catch-all.
_GERMAN: dict[EntryKind, tuple[tuple[str, str], tuple[str, str]]] = {
    "transfer": (("166", "SEPA CREDIT TRANSFER"), ("116", "SEPA TRANSFER OUT")),
    "direct-debit": (("171", "SEPA DIRECT DEBIT"), ("105", "SEPA DIRECT DEBIT")),
    "return": (("159", "SEPA RETURN"), ("109", "SEPA RETURN DEBIT")),
    "fee": (("835", "FEE REFUND"), ("808", "CHARGES")),
    "check": (("170", "CHECK DEPOSIT"), ("101", "CHECK")),
}


@dataclass(frozen=True, slots=True)
class Details:
    """What the bank has to say of one entry, already in its character set; empty where it has nothing."""

    kind: EntryKind
    credit: bool
    text: str
    name: str
    iban: str
    end_to_end: str
    serial: int


def _stream(text: str) -> list[str]:
    """Text in lines of 65; none begins with a colon or hyphen, which would end the field (SWIFT)."""
    lines: list[str] = []
    while text and len(lines) < LINES:
        cut = LINE
        while cut and text[cut : cut + 1] in (":", "-"):
            cut -= 1
        lines.append(text[: cut or LINE])
        text = text[cut:] if cut else "." + text[LINE + 1 :]
    return lines


def _first_line_safe(text: str) -> str:
    return "." + text[1:] if text[:1] in (":", "-") else text


def _german(details: Details) -> list[str]:
    code, posting = _GERMAN[details.kind][0 if details.credit else 1]
    # The question mark is the dialect's own sign.
    text, name, end_to_end = (t.replace("?", ".") for t in (details.text, details.name, details.end_to_end))
    head = f"{code}?00{posting}?10{details.serial:06d}"
    tail = f"?31{details.iban}" if details.iban else ""
    tail += f"?32{name[:_PIECE]}" if name else ""
    tail += f"?33{name[_PIECE : 2 * _PIECE]}" if name[_PIECE:] else ""
    words = [f"EREF+{end_to_end}"] if end_to_end else []
    words += [f"SVWZ+{text}"] if text else []
    pieces = [word[at : at + _PIECE] for word in words for at in range(0, len(word), _PIECE)]
    purpose = [f"?{number}{piece}" for number, piece in zip(_PURPOSE, pieces, strict=False)]
    while True:
        stream = head + "".join(purpose) + tail
        lines = _stream(stream)
        if not purpose or sum(map(len, lines)) == len(stream):
            return lines
        # The purpose gives way: six lines hold less than fourteen pieces and a name.
        purpose.pop()


def _slash(details: Details) -> list[str]:
    parts = f"/EREF/{details.end_to_end}" if details.end_to_end else ""
    parts += f"/IBAN/{details.iban}" if details.iban else ""
    parts += f"/NAME/{details.name.replace('/', ' ')}" if details.name else ""
    parts += f"/REMI/{details.text}" if details.text else ""
    return _stream(parts)


def _plain(details: Details) -> list[str]:
    lines: list[str] = []
    for item in (details.text, details.name, details.iban):
        line = ""
        for word in item.split():
            if line and len(line) + 1 + len(word) >= LINE:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
            while len(line) >= LINE:
                lines.append(line[:LINE])
                line = line[LINE:]
        if line:
            lines.append(line)
    return [_first_line_safe(line) for line in lines[:LINES]]


def _wrapped(details: Details) -> list[str]:
    return _stream(_first_line_safe(" ".join(filter(None, (details.text, details.name, details.iban)))))


STYLES: dict[Field86, Callable[[Details], list[str]]] = {
    "german": _german,
    "slash": _slash,
    "plain": _plain,
    "wrapped": _wrapped,
}
"""The lines of field 86 by dialect: at most six of 65 characters."""
