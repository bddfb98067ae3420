"""Receipts with known truth: who paid which invoices how, and what the banks made of the reference.

A fresh ledger of sixty customers for every hundred receipts; invoice numbers run through all customers
without gaps, so that a swapped digit may well name another open invoice. A quarter of the customers are
subscribers with one or two repeated amounts. The recipe of mangling: prefix dropped or changed, zeros and
punctuation dropped, look-alike letters, two digits swapped, joined and shortened, wrapped, cut, bank noise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from o2c_twin.integration.model import OpenItem

TODAY = date(2026, 3, 31)
CUSTOMERS, RECEIPTS_A_LEDGER = 60, 100
LOOKS_LIKE = {"0": "O", "1": "I", "5": "S", "8": "B"}
NOISE = ("FP 31/03/26 1203 ", "BGC ", "FT26327ABC ", "/ROC/", "REF ", "CR TFR ")


@dataclass(frozen=True)
class Truth:
    """A receipt and what it was meant for: cash by ERP id, and what closes the rest of the items."""

    amount_minor: int
    remittance: str
    payer: str | None  # what the bank account is known for
    customer: str
    applied: dict[str, int]
    kind: str
    text_kind: str
    charges: int = 0
    discount: int = 0
    deduction: int = 0
    on_account: int = 0


class Dice:
    """Chance from an injected stream of numbers in [0, 1)."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self.draw = draw

    def below(self, n):
        return int(self.draw() * n)

    def one(self, options):
        return options[self.below(len(options))]

    def chance(self, p):
        return self.draw() < p

    def weighted(self, weights):
        at = self.draw() * sum(weights.values())
        for name, weight in weights.items():
            at -= weight
            if at < 0:
                return name
        return name

    def some(self, options, n):
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(min(n, len(left)))]


# An assumption, near a reference run of which an exact reader applied 54 %: half named cleanly, a third mangled,
# a tenth without any reference. The rates depend on it; a harder mix gives lower ones.
TEXTS = {"clean": 52, "mangled": 35, "none": 10, "partial": 3}
AMOUNTS = {
    "full": 78.0,
    "charges": 6.0,
    "discount earned": 4.0,
    "discount unearned": 1.5,
    "short": 3.0,
    "over": 1.5,
    "credit netted": 3.0,
    "whole balance": 1.5,
    "whole past due": 1.0,
    "in advance": 0.5,
}
UNKNOWN_PAYER, ANOTHER_PAYER = 0.03, 0.01


def receipts(draw: Callable[[], float], count: int) -> Iterator[tuple[list[OpenItem], Truth]]:
    """Pairs of the whole open ledger and a receipt; the ledger list is the same object for a hundred receipts."""
    dice = Dice(draw)
    ledger: list[OpenItem] = []
    for n in range(count):
        if n % RECEIPTS_A_LEDGER == 0:
            ledger = _ledger(dice)
        yield ledger, _receipt(dice, ledger)


def _ledger(dice):
    start = 10_000 + dice.below(880_000)
    wanted = [(f"C{c}", dice.chance(0.25)) for c in range(CUSTOMERS) for _ in range(1)]
    rows = []
    for customer, subscriber in wanted:
        prices = [1_000 * (5 + dice.below(400)) - dice.below(2) for _ in range(1 + dice.below(2))]
        terms = dice.chance(0.2)
        for _ in range(1 + dice.below(14)):
            # Goods: quantity times a list price, tax included, from some tens to some thousands.
            amount = dice.one(prices) if subscriber else (1 + dice.below(60)) * (95 + 5 * dice.below(400)) * 119 // 100
            rows.append((customer, amount, terms))
    rows = dice.some(rows, len(rows))
    items = []
    for n, (customer, amount, terms) in enumerate(rows):
        # Numbers rise with the date of the invoice; terms are 30 days, of which 10 with discount.
        issued = TODAY - timedelta(days=75 - 75 * n // len(rows))
        items.append(
            OpenItem(
                str(n),
                f"INV-{start + n:07d}",
                customer,
                amount,
                (issued + timedelta(days=30)).isoformat(),
                disputed=dice.chance(0.03),
                discount_minor=amount * 2 // 100 if terms else 0,
                discount_until=(issued + timedelta(days=10)).isoformat() if terms else "",
            )
        )
    for c in range(CUSTOMERS):
        if dice.chance(0.2):
            own = [i.open_minor for i in items if i.customer_erp_id == f"C{c}"]
            amount = -max(100, dice.one(own) * (1 + dice.below(20)) // 100)
            items.append(OpenItem(f"cn{c}", f"CN-{start // 10 + c:07d}", f"C{c}", amount, TODAY.isoformat()))
    return items


def _receipt(dice, ledger):
    customer = f"C{dice.below(CUSTOMERS)}"
    own = [i for i in ledger if i.customer_erp_id == customer]
    invoices = [i for i in own if i.open_minor > 0]
    credits = [i for i in own if i.open_minor < 0]
    kind = dice.weighted(AMOUNTS)
    free = [i for i in invoices if not i.disputed] or invoices
    paid = dice.some(free, dice.weighted({1: 60, 2: 15, 3: 10, 4: 7, 5: 4, 6: 2, 9: 2}))
    early = [i for i in invoices if i.discount_minor and i.discount_until >= TODAY.isoformat()]
    late = [i for i in invoices if i.discount_minor and i.discount_until < TODAY.isoformat()]
    past_due = [i for i in free if i.due_on < TODAY.isoformat()]
    if kind == "discount earned" and early:
        paid = dice.some(early, 1 + dice.below(3))
    elif kind == "discount unearned" and late:
        paid = dice.some(late, 1)
    elif kind == "credit netted" and credits and sum(i.open_minor for i in (*paid, *credits)) > 0:
        paid = [*paid, *credits]
    elif kind == "whole balance" and sum(i.open_minor for i in (*free, *credits)) > 0:
        paid = [*free, *credits]
    elif kind == "whole past due" and past_due:
        paid = past_due
    elif kind in {"short", "over"}:
        paid = paid[: 1 + dice.below(2)]
    elif kind in {"charges", "full", "in advance"}:
        pass
    else:
        kind = "full"
    paid = sorted(paid, key=lambda i: (i.open_minor > 0, i.due_on, i.number))
    applied = {i.erp_id: i.open_minor for i in paid}
    total = sum(applied.values())
    more = {}
    if kind == "charges":
        # A correspondent bank takes 2.50 to 25.00; on a small invoice that is beyond any tolerance by share.
        fee = min(250 + 50 * dice.below(46), total // 2)
        applied[paid[-1].erp_id] -= fee
        within = fee <= min(2_500, total * 50 // 10_000)
        more = {"charges": fee} if within else {"deduction": fee}
    elif kind in {"discount earned", "discount unearned"}:
        cut = sum(i.discount_minor for i in paid)
        applied = {i.erp_id: i.open_minor - i.discount_minor for i in paid}
        more = {"discount" if kind == "discount earned" else "deduction": cut}
    elif kind == "short":
        # Goods came short or damaged: a part of one of the invoices, not always the youngest.
        item = dice.one(paid)
        cut = max(1, item.open_minor * (3 + dice.below(30)) // 100)
        applied[item.erp_id] -= cut
        more = {"deduction": cut}
    elif kind == "over":
        more = {"on_account": 100 * (1 + dice.below(200))}
    elif kind == "in advance":
        total, applied = 1_000 * (1 + dice.below(900)), {}
        more = {"on_account": total}
    amount = sum(applied.values()) + more.get("on_account", 0)
    text_kind = dice.weighted(TEXTS) if applied else "none"
    text = _text(dice, [i.number for i in paid], text_kind)
    who = dice.draw()
    payer = None if who < UNKNOWN_PAYER else customer
    if UNKNOWN_PAYER <= who < UNKNOWN_PAYER + ANOTHER_PAYER:
        payer = f"C{dice.below(CUSTOMERS)}"
    return Truth(amount, text, payer, customer, applied, kind, text_kind, **more)


def _text(dice, numbers, kind):
    if kind == "none":
        number = dice.below(900_000) + 100_000
        return dice.one(["", "PAYMENT", f"PO {number}", f"ACCOUNT {number}", f"PAYMENT RUN {number}", "INVOICES MARCH"])
    if kind == "partial":
        numbers = dice.some(numbers, max(1, len(numbers) - 1 - dice.below(2)))
    if kind != "mangled":
        text = dice.one([", ", " ", "/", " + "]).join(numbers)
        return dice.one(["", "", "PAYMENT ", "Rechnung "]) + text
    prefix = dice.one(["INV-", "INV", "IN", "", "", "RE ", "INV "])
    zeros = dice.chance(0.5)
    digits = [n.removeprefix("INV-").removeprefix("CN-") for n in numbers]
    spelled = [d if zeros else d.lstrip("0") for d in digits]
    if dice.chance(0.2):
        at = dice.below(len(spelled))
        spelled[at] = "".join(LOOKS_LIKE.get(c, c) if dice.chance(0.6) else c for c in spelled[at])
    if dice.chance(0.25):
        at = dice.below(len(spelled))
        place = dice.below(len(spelled[at]) - 1)
        s = spelled[at]
        spelled[at] = s[:place] + s[place + 1] + s[place] + s[place + 2 :]
    if len(spelled) > 1 and dice.chance(0.3):
        separator = dice.one([",", ", ", "/"])
        head = spelled[0]
        text = prefix + head + "".join(separator + _suffix(head, s) for s in spelled[1:])
    else:
        text = dice.one([",", "/", " + ", "&", " ", "; "]).join(prefix + s for s in spelled)
    if dice.chance(0.15):
        width = dice.one([27, 35, 70])
        text = dice.one(["", " "]).join(text[i : i + width] for i in range(0, len(text), width))
    if dice.chance(0.25):
        limit = dice.one([16, 18, 35, 140])
        text = text[-limit:] if dice.chance(0.2) else text[:limit]
    if dice.chance(0.4):
        text = dice.one(NOISE) + text
    return text.upper()


def _suffix(head, s):
    """As many last digits as it takes to tell a number from the first of the list."""
    if len(s) != len(head):
        return s
    same = next((n for n, (a, b) in enumerate(zip(head, s, strict=True)) if a != b), 0)
    return s[min(same, len(s) - 2) :]
