"""Reads OFX bank statements, 1.x (SGML, leaf elements need not be closed) and 2.x (XML), into canonical entries.

Source: Open Financial Exchange 1.0.2 and 2.1.1, sections 2, 3 and 11.4. A statement has no opening balance, so
entries and balances cannot be checked against each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import unescape

from o2c_twin.integration.connectors.bank_files_statement import FileStatement, Place, text_of
from o2c_twin.integration.model import BankEntry

_TAG = re.compile(r"<(/?)([A-Z][A-Z0-9._]*)>", re.ASCII)
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_AMOUNT = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{0,3})?|[+-]?[.,]\d{1,3}", re.ASCII)
_ENTITIES = {"&nbsp;": " ", "&apos;": "'", "&quot;": '"'}
_AGAIN = "the file was cut off or changed: fetch it again, or ask the bank for it"
# Elements that hold elements. Which others do is told by their being closed; a missing end of these is an error.
_AGGREGATES = frozenset(
    (
        "OFX",
        "SIGNONMSGSRSV1",
        "SONRS",
        "STATUS",
        "FI",
        "BANKMSGSRSV1",
        "STMTTRNRS",
        "STMTRS",
        "BANKACCTFROM",
        "BANKTRANLIST",
        "STMTTRN",
        "LEDGERBAL",
        "AVAILBAL",
        "PAYEE",
        "BANKACCTTO",
        "BALLIST",
        "BAL",
        "CURRENCY",
        "ORIGCURRENCY",
    )
)
_ENCODING = re.compile(rb"^\s*(ENCODING|CHARSET):\s*([\w-]+)", re.MULTILINE)


@dataclass(slots=True)
class _Node:
    name: str
    place: Place
    text: str = ""
    children: list["_Node"] = field(default_factory=list)

    def all(self, name: str) -> Iterator["_Node"]:
        return (child for child in self.children if child.name == name)

    def find(self, path: str) -> "_Node | None":
        node: _Node | None = self
        for name in path.split("/"):
            node = next(node.all(name), None) if node is not None else None
        return node

    def value(self, path: str) -> str:
        found = self.find(path)
        return found.text if found is not None else ""

    def need(self, path: str) -> "_Node":
        found = self.find(path)
        if found is None or not (found.text or found.children):
            self.place.refuse(f"{self.name} has no {path}", _AGAIN)
        return found


def read_statements(document: bytes, file: str = "statement") -> list[FileStatement]:
    """All bank statements of a file. Raises `MalformedFile`."""
    root = _tree(document, file)
    statements = []
    answers = [a for bank in root.all("BANKMSGSRSV1") for a in bank.all("STMTTRNRS")]
    for answer in [a for sign in root.all("SIGNONMSGSRSV1") for a in sign.all("SONRS")] + answers:
        code = answer.value("STATUS/CODE")
        if code not in ("0", "") and answer.value("STATUS/SEVERITY") != "WARN":
            said = f"{code} {answer.value('STATUS/SEVERITY')} {answer.value('STATUS/MESSAGE')}".strip()
            answer.place.refuse(f"the bank answers with status {said}", "clear that with the bank and fetch again")
    for answer in answers:
        found = answer.find("STMTRS")
        if found is not None:
            statements.append(_statement(found))
    if not statements:
        root.place.refuse("no bank statement (STMTRS) in the file", "check what was asked for")
    return statements


def _encoding(document: bytes) -> str:
    head = document[:600]
    if head.lstrip().startswith(b"<?xml"):
        return "utf-8"
    told = dict[bytes, bytes](_ENCODING.findall(head))
    if told.get(b"ENCODING") in (b"UTF-8", b"UNICODE"):
        return "utf-8"
    return {b"ISO-8859-1": "latin-1", b"1252": "cp1252"}.get(told.get(b"CHARSET", b""), "utf-8")


def _tree(document: bytes, file: str) -> _Node:
    text = text_of(document, file, _encoding(document))
    head, opener, _ = text.partition("<OFX>")
    if not opener or "OFXHEADER" not in head:
        Place(file, 1).refuse("no OFX: the header or the element OFX is missing", "check the format of the file")
    at, line = len(head), head.count("\n") + 1
    body = text[at:]
    tags = list(_TAG.finditer(body))
    # What is closed somewhere and holds no text is an aggregate; in SGML nothing else tells it from an empty leaf.
    closed = _AGGREGATES | frozenset(tag[2] for tag in tags if tag[1])
    root = _Node("OFX", Place(file, line))
    stack: list[_Node] = []
    leaf = ""
    last = 0
    for number, tag in enumerate(tags):
        line += body.count("\n", last, tag.start())
        last = tag.start()
        place = Place(file, line)
        following = tags[number + 1] if number + 1 < len(tags) else None
        after = body[tag.end() : following.start() if following else len(body)]
        value = unescape(after.strip(), _ENTITIES)
        closing, name = tag[1], tag[2]
        if closing:
            if value:
                place.refuse(f"text {value[:20]!r} after </{name}>", _AGAIN)
            if name == leaf:
                leaf = ""
                continue
            if not stack or stack[-1].name != name:
                place.refuse(f"</{name}> closes what is not open", _AGAIN)
            leaf = ""
            if len(stack) == 1 and following:
                place.refuse("elements after </OFX>", "split the file: it holds two")
            stack.pop()
            continue
        if value and name in _AGGREGATES:
            place.refuse(f"text {value[:20]!r} in {name}, which holds elements", _AGAIN)
        node = root if not stack and name == "OFX" else _Node(name, place, value)
        if stack:
            stack[-1].children.append(node)
        if value or name not in closed or (following and following[1] and following[2] == name):
            leaf = name
        else:
            leaf = ""
            stack.append(node)
    if stack:
        Place(file, text.count("\n") + 1).refuse(f"<{stack[-1].name}> is never closed", _AGAIN)
    return root


def _day(node: _Node) -> str:
    match = _DAY.match(node.text)
    if match is None:
        node.place.refuse(f"{node.name} {node.text!r} is not a date YYYYMMDD", "ask the bank for the file again")
    # The bank's own day: its offset from Greenwich is not taken off.
    return node.place.iso_date("-".join(match.groups()))


def _minor(node: _Node, currency: str) -> int:
    if not _AMOUNT.fullmatch(node.text):
        node.place.refuse(f"{node.name} {node.text!r} is not an amount", "ask the bank for the file again")
    return node.place.amount(node.text.replace(",", "."), currency)


def _statement(found: _Node) -> FileStatement:
    currency = found.need("CURDEF").text
    account = found.need("BANKACCTFROM/ACCTID").text
    listed = found.find("BANKTRANLIST")
    first = last = ""
    entries: list[BankEntry] = []
    names: dict[str, int] = {}
    if listed is not None:
        first, last = _day(listed.need("DTSTART")), _day(listed.need("DTEND"))
        for node in listed.all("STMTTRN"):
            entry = _entry(node, currency)
            if entry.reference in names:
                remedy = "the bank reuses its ids: ask it for unique ones, post none of it"
                node.place.refuse(f"FITID {entry.reference} stood in line {names[entry.reference]} already", remedy)
            names[entry.reference] = node.place.line
            if entry.amount_minor:  # Some banks tell of events without money.
                entries.append(entry)
    closing = _minor(found.need("LEDGERBAL/BALAMT"), currency)
    day = last or _day(found.need("LEDGERBAL/DTASOF"))
    id_ = f"{found.value('BANKACCTFROM/BANKID')}/{account}/{first or day}/{day}"
    return FileStatement(id_, account, currency, day, None, closing, tuple(entries))


def _entry(node: _Node, currency: str) -> BankEntry:
    if node.find("CORRECTFITID") is not None:
        remedy = f"compare it with entry {node.value('CORRECTFITID')} and correct that by hand"
        node.place.refuse("the entry corrects an earlier one", remedy)
    amount = _minor(node.need("TRNAMT"), currency)
    return BankEntry(
        reference=node.need("FITID").text,
        amount_minor=amount,
        currency=currency,
        value_on=_day(node.find("DTAVAIL") or node.need("DTPOSTED")),
        end_to_end_id=node.value("REFNUM") or None,
        remittance=node.value("MEMO"),
        payer=node.value("NAME") or node.value("PAYEE/NAME") or None,
        payer_iban=None,
    )
