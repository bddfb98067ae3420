"""An engine put under governance: its audit trail, the systems of record, and the operations people have on it."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.governance import subjects
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.personal_data import ERASED
from o2c_twin.integration.governance.retention import LegalHold
from o2c_twin.integration.governance.systems_of_record import Refusal, Registry
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.governance.write_guard import guard
from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler
from o2c_twin.integration.reconcile.reconciler import Reconciler
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.service.approvals import Approvals
from o2c_twin.integration.service.dead_letters import Aside, DeadLetters
from o2c_twin.integration.service.decisions import Decisions
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.forgetting import Eraser
from o2c_twin.integration.service.map_releases import MapReleases
from o2c_twin.integration.service.operations import Operations
from o2c_twin.integration.service.reading import JournalAudit
from o2c_twin.integration.service.repairs import Repairs
from o2c_twin.integration.service.standing import Edges
from o2c_twin.integration.store import KeptJournal
from o2c_twin.integration.store.audit_log import Trail
from o2c_twin.integration.store.sealed import Sealing


def names_of(vault: Vault | None) -> Callable[[str, str], str]:
    """How a name is told where it cannot be taken back (log, trace, audit): an account's id by its pseudonym."""

    def named(text: str, subject: str) -> str:
        if vault is None or not subject:
            return text
        try:
            return subjects.renamed(text, subject, vault.pseudonym(subject))
        except Erased:
            return subjects.renamed(text, subject, ERASED)

    return named


def governed(
    engine: Engine,
    vault: Vault | None = None,
    holds: Iterable[LegalHold] = (),
    registry: Registry | None = None,
    refused: Callable[[Refusal], None] = lambda _: None,
    reconciler: Reconciler | None = None,
    why_not: str = "no reconciler was given to this engine; make it with one",
    currency: str = "EUR",
    lacking: Mapping[str, str] = MappingProxyType({}),
    entity: str = "",
    use_maps: Callable[[OwnMaps | None], None] = lambda _: None,
    aside: Aside | None = None,
    edges: Edges = MappingProxyType({}),
    money: MoneyReconciler | None = None,
) -> Operations:
    """Give an engine its audit trail and its systems of record; gives the operations.

    Without a ``registry`` the systems of record are those of the engine's design.
    With a ``vault`` the engine's journal is a sealed one. Without a ``reconciler`` there is no repair plan, for the
    reason ``why_not``; ``money`` is the reconciler of what came in. ``currency`` is that of the ERP's books,
    ``lacking`` says why its connector lacks a method.
    ``entity`` is the legal entity whose rules in the maps count, ``use_maps`` is called when others are released.
    ``aside`` are the dead letters of the broker before the inbox, where there is one,
    ``edges`` what tells how each way in is doing.
    Raises TypeError for a journal that does not outlive the engine.
    """
    journal, now = engine.journal, engine.clock.now
    if not isinstance(journal, KeptJournal):
        raise TypeError("this journal keeps no audit log; give the engine one of SQLite or PostgreSQL")
    trail = Trail(journal, vault)
    engine.delivery.audit = trail
    engine.delivery.registry = guard(engine.masters if registry is None else registry, refused)
    eraser = None
    if vault is not None and isinstance(journal, Sealing):
        eraser = Eraser(journal, vault, trail, now, journal.hidden, sorted(engine.systems), holds)

    def told(who: str, operation: str, subject: str, outcome: str) -> None:
        trail.add(now(), who, operation, subject, outcome)

    approvals = Approvals(journal, now, vault)
    doing = Doing(journal, told)
    repairs = Repairs(doing, approvals, journal, reconciler, why_not, money)
    decisions = Decisions(engine, doing, approvals, currency, lacking)
    maps = MapReleases(journal, now, doing, approvals, entity, vault, use_maps)
    names = names_of(vault)
    letters = DeadLetters(doing, approvals, aside, names)
    return Operations(
        engine, doing, JournalAudit(journal), approvals, repairs, decisions, maps, letters, eraser, names, edges
    )
