"""What the ISO 20022 schemas ask of camt.053.001.08 and camt.054.001.08, as a table, and a check against it.

Facts from the published message definitions: for each type used, its elements in order with how often they may
stand, and for each simple type its pattern, length or digits. Elements the project does not write have no type
here: they keep their place in the order, and one that occurs is reported as outside what is checked.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree import ElementTree

# name = exactly once, name? = at most once, name* = any number, name+ = at least once; after the colon its type.
# A type that begins with | is a choice of one.
TYPES = {
    "Document053": "BkToCstmrStmt:Statements",
    "Document054": "BkToCstmrDbtCdtNtfctn:Notifications",
    "Statements": "GrpHdr:GroupHeader Stmt+:Statement SplmtryData*",
    "Notifications": "GrpHdr:GroupHeader Ntfctn+:Notification SplmtryData*",
    "GroupHeader": "MsgId:Max35Text CreDtTm:DateTime MsgRcpt? MsgPgntn? OrgnlBizQry? AddtlInf?",
    "Statement": (
        "Id:Max35Text StmtPgntn? ElctrncSeqNb?:Number RptgSeq? LglSeqNb?:Number CreDtTm?:DateTime FrToDt?:Period "
        "CpyDplctInd? RptgSrc? Acct:Account RltdAcct? Intrst* Bal+:Balance TxsSummry?:Totals Ntry*:Entry AddtlStmtInf?"
    ),
    "Notification": (
        "Id:Max35Text NtfctnPgntn? ElctrncSeqNb?:Number RptgSeq? LglSeqNb?:Number CreDtTm?:DateTime FrToDt?:Period "
        "CpyDplctInd? RptgSrc? Acct:Account RltdAcct? Intrst* TxsSummry?:Totals Ntry*:Entry AddtlNtfctnInf?"
    ),
    "Period": "FrDtTm:DateTime ToDtTm:DateTime",
    "Account": "Id:AccountId Tp? Ccy?:Currency Nm?:Max70Text Prxy? Ownr?:Party Svcr?:Institution",
    "PartyAccount": "Id:AccountId Tp? Ccy?:Currency Nm?:Max70Text Prxy?",
    "AccountId": "|IBAN:IBAN Othr",
    "Party": "Nm?:Max140Text PstlAdr? Id? CtryOfRes? CtctDtls?",
    "Institution": "FinInstnId:InstitutionId BrnchId?",
    "InstitutionId": "BICFI?:BIC ClrSysMmbId? LEI? Nm?:Max140Text PstlAdr? Othr?",
    "Balance": "Tp:BalanceType CdtLine* Amt:Amount CdtDbtInd:Side Dt:DateChoice Avlbty*",
    "BalanceType": "CdOrPrtry:BalanceCode SubTp?",
    "BalanceCode": "|Cd:Code4 Prtry:Max35Text",
    "DateChoice": "|Dt:Date DtTm:DateTime",
    "Totals": "TtlNtries?:NetTotal TtlCdtNtries?:Total TtlDbtNtries?:Total TtlNtriesPerBkTxCd*",
    "NetTotal": "NbOfNtries?:Numeric15 Sum?:Decimal TtlNetNtry?:Net",
    "Total": "NbOfNtries?:Numeric15 Sum?:Decimal",
    "Net": "Amt:Unsigned CdtDbtInd:Side",
    "Entry": (
        "NtryRef?:Max35Text Amt:Amount CdtDbtInd:Side RvslInd? Sts:Status BookgDt?:DateChoice ValDt?:DateChoice "
        "AcctSvcrRef?:Max35Text Avlbty* BkTxCd:TransactionCode ComssnWvrInd? AddtlInfInd? AmtDtls? Chrgs? "
        "TechInptChanl? Intrst? CardTx? NtryDtls*:Details AddtlNtryInf?"
    ),
    "Status": "|Cd:Code4 Prtry:Max35Text",
    "TransactionCode": "Domn?:Domain Prtry?",
    "Domain": "Cd:Code4 Fmly:Family",
    "Family": "Cd:Code4 SubFmlyCd:Code4",
    "Details": "Btch?:Batch TxDtls*:Transaction",
    "Batch": "MsgId?:Max35Text PmtInfId?:Max35Text NbOfTxs?:Numeric15 TtlAmt?:Amount CdtDbtInd?:Side",
    "Transaction": (
        "Refs?:References Amt?:Amount CdtDbtInd?:Side AmtDtls? Avlbty* BkTxCd?:TransactionCode Chrgs? Intrst? "
        "RltdPties?:Parties RltdAgts? LclInstrm? Purp? RltdRmtInf* RmtInf?:Remittance RltdDts? RltdPric? RltdQties* "
        "FinInstrmId? Tax? RtrInf? CorpActn? SfkpgAcct? CshDpst* CardTx? AddtlTxInf? SplmtryData*"
    ),
    "References": (
        "MsgId?:Max35Text AcctSvcrRef?:Max35Text PmtInfId?:Max35Text InstrId?:Max35Text EndToEndId?:Max35Text UETR? "
        "TxId?:Max35Text MndtId?:Max35Text ChqNb? ClrSysRef? AcctOwnrTxId? AcctSvcrTxId? MktInfrstrctrTxId? PrcgId? "
        "Prtry*"
    ),
    "Parties": (
        "InitgPty?:PartyChoice Dbtr?:PartyChoice DbtrAcct?:PartyAccount UltmtDbtr?:PartyChoice Cdtr?:PartyChoice "
        "CdtrAcct?:PartyAccount UltmtCdtr?:PartyChoice TradgPty? Prtry*"
    ),
    "PartyChoice": "|Pty:Party Agt:Institution",
    "Remittance": "Ustrd*:Max140Text Strd*",
}

PATTERNS = {
    "IBAN": r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}",
    "BIC": r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "Currency": r"[A-Z]{3}",
    "Side": r"CRDT|DBIT",
    "Numeric15": r"[0-9]{1,15}",
}
LENGTHS = {"Max35Text": 35, "Max70Text": 70, "Max140Text": 140, "Code4": 4}
# Fraction digits, and whether it may be below zero; 18 digits in all.
DECIMALS = {"Amount": (5, False), "Unsigned": (17, False), "Decimal": (17, True), "Number": (0, True)}
_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.(053|054)\.001\.08\}")
_ITEM = re.compile(r"(\w+)([?*+]?)(?::(\w+))?")
_LEAST_MOST = {"": (1, 1), "?": (0, 1), "*": (0, 10**9), "+": (1, 10**9)}


def violations(document: bytes) -> list[str]:
    """Where a document breaks the schema, as ``path: what``; empty when it keeps it."""
    root = ElementTree.fromstring(document)
    found = _NAMESPACE.match(root.tag)
    if found is None or root.tag != f"{found[0]}Document":
        return [f"{root.tag}: not a camt.053.001.08 or camt.054.001.08 document"]
    return list(_check(root, f"Document{found[1]}", "Document", found[0]))


def _check(element, type_, path, ns):
    if type_ not in TYPES:
        yield from _check_text(element, type_, path)
        return
    if (element.text or "").strip() or element.attrib:
        yield f"{path}: text or attributes where only elements may stand"
    items = [_ITEM.fullmatch(item).groups() for item in TYPES[type_].removeprefix("|").split()]
    names = [child.tag.removeprefix(ns) for child in element]
    if TYPES[type_].startswith("|"):
        if len(names) != 1 or names[0] not in [name for name, _, _ in items]:
            yield f"{path}: {names} where one of {[name for name, _, _ in items]} must stand"
    else:
        yield from _check_order(names, items, path)
    types = {name: kind for name, _, kind in items}
    for child, name in zip(element, names, strict=True):
        if types.get(name) is None:
            yield f"{path}/{name}: outside what is checked"
        else:
            yield from _check(child, types[name], f"{path}/{name}", ns)


def _check_order(names, items, path):
    at = 0
    for name, often, _ in items:
        count = 0
        while at < len(names) and names[at] == name:
            at, count = at + 1, count + 1
        least, most = _LEAST_MOST[often]
        if not least <= count <= most:
            yield f"{path}/{name}: stands {count} times"
    if at < len(names):
        yield f"{path}/{names[at]}: unknown, or out of order"


def _check_text(element, type_, path):
    text = element.text or ""
    if len(element):
        yield f"{path}: elements where text must stand"
    if set(element.attrib) != ({"Ccy"} if type_ == "Amount" else set()):
        yield f"{path}: attributes {sorted(element.attrib)}"
    if type_ == "Amount" and not re.fullmatch(PATTERNS["Currency"], element.get("Ccy", "")):
        yield f"{path}: currency {element.get('Ccy')!r}"
    if type_ in LENGTHS and not 1 <= len(text) <= LENGTHS[type_]:
        yield f"{path}: {len(text)} characters"
    if type_ in PATTERNS and not re.fullmatch(PATTERNS[type_], text):
        yield f"{path}: {text!r} is no {type_}"
    if type_ in DECIMALS and not _is_decimal(text, *DECIMALS[type_]):
        yield f"{path}: {text!r} is no {type_}"
    if type_ in ("Date", "DateTime") and not _is_time(text, type_):
        yield f"{path}: {text!r} is no {type_}"


def _is_decimal(text, fraction, signed):
    if not re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", text.strip()):
        return False
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return False
    _, digits, exponent = value.normalize().as_tuple()
    places = max(0, -exponent)
    return places <= fraction and max(len(digits) + max(0, exponent), places) <= 18 and (signed or value >= 0)


def _is_time(text, type_):
    try:
        if type_ == "Date":
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text) and date.fromisoformat(text))
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", text)) and bool(
            datetime.fromisoformat(text)
        )
    except ValueError:
        return False
