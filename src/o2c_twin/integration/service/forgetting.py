"""Erasing a subject from all the engine keeps: the journal's names and links, and the keys of what was sealed.

The order makes it safe to be killed at any step and run again: what is kept under a legal hold first, then the keys of
what is found only by the subject's links, then those links and names, and its own key last of all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from o2c_twin.integration.connectors.instants import to_date
from o2c_twin.integration.connectors.writes import WRITES
from o2c_twin.integration.flows.golden import forget_account
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.erasure import Document, erase
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.field_groups import GROUPS
from o2c_twin.integration.governance.personal_data import pseudonymous
from o2c_twin.integration.governance.retention import Kept, LegalHold
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import Party
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import Effect, KeptJournal, Link
from o2c_twin.integration.store.audit_log import Trail
from o2c_twin.integration.store.sealed import opened_effect, sealed_for

_RETENTION = {"put_order": "letter", "put_payment": "voucher", "collect": "voucher"}
# What is dead has a case, which is open until somebody settles it.
_UNDER_WAY = frozenset({"open", "parked", "sent", "due"})


@dataclass(frozen=True, slots=True)
class _Found:
    """All that belongs to a subject: names it is known by, keys to destroy in this order, links, documents."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    links: tuple[Link, ...]
    own: tuple[Effect, ...]
    documents: tuple[tuple[Effect, Document], ...]


class Eraser:
    """Erases subjects of one journal. ``erp`` and ``payments`` are the systems that number customers and payers."""

    def __init__(
        self,
        journal: KeptJournal,
        vault: Vault,
        trail: Trail,
        now: Callable[[], int],
        hidden: Callable[[str, str], str],
        systems: Iterable[str],
        holds: Iterable[LegalHold] = (),
    ) -> None:
        self._journal = journal
        self._vault = vault
        self._trail = trail
        self._now = now
        self._hidden = hidden
        self._systems = tuple(systems)
        self._holds = tuple(holds)

    def named(self, subject: str) -> str:
        """What the audit trail calls a subject: its pseudonym, where there is one."""
        if not self._vault.known(subject):
            return "a subject that is not known"
        return self._vault.pseudonym(subject)

    def check(self, subject: str) -> None:
        """Raises `Refused` where there is nothing to erase, or where work of the subject is under way."""
        if self._vault.erased(subject):
            raise Refused(409, "the subject was erased before; nothing of it is left")
        if not self._vault.known(subject):
            raise Refused(404, "nothing is kept of that subject; give the account's id at sales")
        open_now = [
            name
            for name, state, names in self._journal.mentions(subject)
            if state in _UNDER_WAY and any(subjects.renamed(each, subject, "") != each for each in names)
        ]
        if open_now:
            more = f" (and {len(open_now) - 1} more)" if len(open_now) > 1 else ""
            raise Refused(409, f"{open_now[0]} is under way{more}; settle it or close its case, then erase")

    def erase(self, subject: str, who: str) -> dict[str, object]:
        """Erase a subject: afterwards nothing the engine keeps tells who it was. Raises `Refused` as `check` does."""
        self.check(subject)
        found = self._found(subject)
        today = to_date(self._now())
        pseudonym = self._vault.pseudonym(subject)
        with self._journal.together():
            for effect, document in found.documents:
                if any(hold.covers(document.kept, today) for hold in self._holds):
                    held = {"kept for": "a legal hold", "record": pseudonymous(document.record, pseudonym)}
                    self._journal.replace_arguments(effect.key, msgspec.json.encode(held))
        for other in found.others:
            self._vault.erase(other)
        rename = subjects.renamer(dict.fromkeys(found.names, pseudonym))
        with self._journal.together():
            for effect in found.own:
                if effect.write != "put_order" and effect.result:
                    # The number the ERP or the provider gave the customer.
                    self._journal.settle(effect.key, pseudonym)
            for link in found.links:
                self._journal.unlink(link)
            for system in self._systems:
                forget_account(self._journal, system, subject)
            for name in found.names:
                self._journal.rename(name, rename)
        with self._trail.chain() as chain:
            receipt = erase(
                self._vault,
                chain,
                subject,
                [document for _, document in found.documents],
                self._holds,
                lambda kept, content: None,
                who,
                self._now(),
                today,
            )
        self._journal.compact()
        self._vault.forget()
        return {"pseudonym": receipt.pseudonym, "held": list(receipt.held), "at": receipt.at}

    # --- what belongs to it ----------------------------------------------------------------------

    def _found(self, subject: str) -> _Found:
        links = [*self._links(subject)]
        numbered = [
            (subjects.payer if link.kind == "payer" else subjects.customer)(link.remote)
            for link in links
            if link.kind in ("customer", "payer")
        ]
        kept = self._journal.effects()
        own = [each for each in kept if sealed_for(each, self._pseudonyms([subject]))]
        paid = [each for each in kept if sealed_for(each, self._pseudonyms(numbered))]
        entries = [subjects.entry(each.key.removeprefix("cash:")) for each in paid if each.write == "put_payment"]
        orders = [
            lane
            for each in own
            if each.write == "put_order" and each.result
            for lane in (f"order:{each.result}", f"billing:{each.result}")
        ]
        accounts = [link for system in self._systems for link in self._accounts(system, numbered)]
        documents = tuple(self._documents(subject, (*own, *paid)))
        numbers = [
            record.number
            for _, document in documents
            for record in (_party_of(document.record),)
            if record is not None and record.number
        ]
        names = tuple(dict.fromkeys((subject, *numbers)))
        others = tuple(dict.fromkeys((*entries, *orders, *numbered, *numbers)))
        return _Found(names, others, (*links, *accounts), tuple(own), documents)

    def _pseudonyms(self, wanted: Iterable[str]) -> list[str]:
        made = []
        for each in wanted:
            try:
                if self._vault.known(each):
                    made.append(self._vault.pseudonym(each))
            except Erased:
                continue
        return made

    def _links(self, subject: str) -> Iterator[Link]:
        for system in self._systems:
            for kind in ("customer", "customer-digest", *(group.axis for group in GROUPS), "payer"):
                wanted = self._hidden(kind, subject)
                yield from (link for link in self._journal.links(system, kind) if link.canonical == wanted)

    def _accounts(self, system: str, numbered: list[str]) -> Iterator[Link]:
        """Bank accounts that pay for the subject's customers."""
        for link in self._journal.links(system, "payer"):
            if subjects.customer(link.remote) in numbered:
                yield link

    def _documents(self, subject: str, effects: Iterable[Effect]) -> Iterator[tuple[Effect, Document]]:
        for effect in effects:
            opened = opened_effect(self._vault, effect)
            if not opened.arguments:
                continue
            arguments = WRITES[effect.write].arguments.decode(opened.arguments)
            record = next((each for each in arguments if isinstance(each, msgspec.Struct)), None)
            if record is None:
                continue
            retention = _RETENTION.get(effect.write, "business")
            kept = Kept(type(record).__name__, effect.key, subject, to_date(effect.created_at), retention)
            yield effect, Document(kept, record)


def _party_of(record: msgspec.Struct) -> Party | PartyChange | None:
    if isinstance(record, Party | PartyChange):
        return record
    party = getattr(record, "party", None)
    return party if isinstance(party, Party) else None
