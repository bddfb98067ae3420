"""Reads MT940 field 86 in the dialects banks have for it; the text itself tells which one it is.

German structured (``166?00...?20...``): DK data formats, annex 3. Code words between slashes (``/EREF/.../REMI/...``):
Dutch banks and SWIFT's structured layout. Free text: a line of full length goes on in the next, a shorter one ends
a word.
"""

import re
from dataclasses import dataclass

LINE = 65
_GERMAN = re.compile(r"\d{3}\?\d\d", re.ASCII)
_SUBFIELD = re.compile(r"\?(\d\d)", re.ASCII)
_WORD = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|PURP|RREF|MDAT|SQTP|IBAN|BIC )\+")
_SLASHED = re.compile(r"/[A-Z]{4}/")
_CODE = re.compile(
    r"/(EREF|KREF|PREF|IREF|RREF|MARF|CSID|TRTP|ORDP|BENM|NAME|IBAN|BIC|REMI|RTRN|PURP|UDTR|ULTD|ISDT|OCMT|CHGS)/"
)
_PURPOSE = frozenset(f"{n:02d}" for n in (*range(20, 30), *range(60, 64)))


@dataclass(frozen=True, slots=True)
class Information:
    """What field 86 says of an entry; empty where it says nothing."""

    remittance: str = ""
    payer: str = ""
    payer_iban: str = ""
    end_to_end_id: str = ""


def read_field_86(lines: list[str]) -> Information:
    """The information of one field, from its lines without the tag."""
    joined = "".join(lines)
    if _GERMAN.match(joined):
        return _german(joined)
    if _SLASHED.match(joined):
        return _slashed(joined)
    return Information(_free(lines))


def _german(text: str) -> Information:
    parts = _SUBFIELD.split(text)[1:]
    subfields = list(zip(parts[::2], parts[1::2], strict=True))
    words: dict[str, str] = {}
    word = ""
    for code, value in subfields:
        if code not in _PURPOSE:
            continue
        # A code word stands at the start of a piece; a piece without one goes on with the last.
        found = _WORD.match(value)
        if found:
            word, value = found[1], value[found.end() :]
        words[word] = words.get(word, "") + value
    values = dict(subfields)
    return Information(
        (words["SVWZ"] if "SVWZ" in words else words.get("", "")).strip(),
        (values.get("32", "") + values.get("33", "")).strip(),
        values.get("31", "").strip(),
        words.get("EREF", "").strip(),
    )


def _slashed(text: str) -> Information:
    parts = _CODE.split(text)[1:]
    words: dict[str, str] = {}
    for code, value in zip(parts[::2], parts[1::2], strict=True):
        words.setdefault(code, value)
    remittance = words.get("REMI", "")
    for kind in ("USTD//", "STRD/CUR/"):
        remittance = remittance.removeprefix(kind)
    return Information(
        remittance.strip(), words.get("NAME", "").strip(), words.get("IBAN", "").strip(), words.get("EREF", "").strip()
    )


def _free(lines: list[str]) -> str:
    text = ""
    for line in lines:
        text += line if len(line) >= LINE else line + " "
    return text.strip()
