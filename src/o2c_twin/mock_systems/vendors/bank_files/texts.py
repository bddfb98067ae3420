"""What formats make of texts and amounts: character sets, upper case, decimals.

Sources: SWIFT character set X (SWIFT user handbook; EPC 217-08 for SEPA); implied decimals by currency (ISO 4217).
"""

import string
import unicodedata
from collections.abc import Set
from typing import Literal

SWIFT_X = frozenset(string.ascii_letters + string.digits + "/-?:().,'+ ")
ASCII = frozenset(chr(code) for code in range(0x20, 0x7F))
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "ss", "æ": "ae"})
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "JOD": 3, "TND": 3}


def in_charset(text: str, allowed: Set[str], umlauts: Literal["digraph", "plain"], upper: bool) -> str:
    """Text as a bank passes it on: accents resolved, what is left outside the set is a full stop, controls are blanks.

    ``digraph`` writes ä as ae, ``plain`` as a; ß is ss either way. Blanks at both ends are dropped.
    """
    if umlauts == "digraph":
        text = text.translate(_DIGRAPHS)
    text = text.replace("ß", "ss")
    if upper:
        text = text.upper()
    letters = [
        c if c in allowed else " " if unicodedata.category(c) in ("Cc", "Zs", "Zl", "Zp") else "."
        for c in unicodedata.normalize("NFKD", text)
        if not unicodedata.combining(c)
    ]
    return "".join(letters).strip(" ")


def decimals(currency: str) -> int:
    """The decimals of a currency's minor unit."""
    return _MINOR_DIGITS.get(currency, 2)


def decimal_text(minor: int, currency: str, point: str = ".") -> str:
    """The unsigned decimal text of an amount in minor units; MT940 wants ``,`` also without decimals."""
    digits = decimals(currency)
    whole, part = divmod(abs(minor), 10**digits)
    if not digits:
        return f"{whole}," if point == "," else str(whole)
    return f"{whole}{point}{part:0{digits}d}"
