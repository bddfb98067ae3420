"""How well the cash-application ladder does against the truth of generated receipts."""

from dataclasses import dataclass

from o2c_twin.integration.match.cash import CashPolicy, Receipt, allocate
from o2c_twin.integration.match.payer import owner_of
from o2c_twin.integration.match.references import possible_references, references

LADDER = {
    "exact reference": CashPolicy(tolerance=None, mangled=False, amounts=False),
    "+ tolerance, discount": CashPolicy(mangled=False, amounts=False),
    "+ mangled reference": CashPolicy(amounts=False),
    "+ amount, combination": CashPolicy(),
}


@dataclass
class Score:
    """Counts over receipts, their invoice lines and their value in minor units.

    Wrong: cash on an invoice it was not meant for. Uneven: the invoices meant, but not each its amount.
    Unapplied: nothing set against any invoice, for whatever reason.
    """

    payments: int = 0
    right: int = 0
    wrong: int = 0
    uneven: int = 0
    unapplied: int = 0
    lines: int = 0
    lines_right: int = 0
    value: int = 0
    value_right: int = 0


def decide(ledger, truth, policy, today):
    """What the flow does: who paid, then what; None when nobody can tell whose money it is."""

    # The ledger writes INV-0001001 where a text spells INV 0001001.
    def invoices(names):
        digits = {name.removeprefix("INV").lstrip("0") for name in names}
        return [i for i in ledger if i.number.startswith("INV") and i.number[4:].lstrip("0") in digits]

    named = invoices(references(truth.remittance))
    possible = [] if named or not policy.mangled else invoices(possible_references(truth.remittance))
    owner = owner_of(truth.payer, named, truth.amount_minor, possible)
    if owner is None:
        return None
    receipt = Receipt(truth.amount_minor, truth.remittance, today, payer_known=truth.payer == owner)
    return allocate(receipt, [i for i in ledger if i.customer_erp_id == owner], policy)


def add(score, decision, truth):
    """Count one receipt."""
    applied = {a.invoice_erp_id: a.amount_minor for a in decision.allocations} if decision else {}
    rest = (
        (decision.charges_minor, decision.discount_minor, decision.deduction_minor, decision.on_account_minor)
        if decision
        else None
    )
    right = applied == truth.applied and rest == (truth.charges, truth.discount, truth.deduction, truth.on_account)
    wrong = any(id_ not in truth.applied for id_ in applied)
    score.payments += 1
    score.right += right
    score.wrong += wrong
    score.uneven += applied.keys() == truth.applied.keys() and applied != truth.applied
    score.unapplied += not applied
    score.lines += len(truth.applied)
    score.lines_right += sum(applied.get(id_) == amount for id_, amount in truth.applied.items())
    score.value += truth.amount_minor
    score.value_right += truth.amount_minor if right else 0
