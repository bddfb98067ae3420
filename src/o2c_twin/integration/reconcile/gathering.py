"""The rows of one look: listed, held against what their shape should be, and completed by what belongs to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from o2c_twin.integration.reconcile.contract import Mode, checked
from o2c_twin.integration.reconcile.currencies import comparable
from o2c_twin.integration.reconcile.memory import Memory
from o2c_twin.integration.reconcile.plan import Repair
from o2c_twin.integration.reconcile.ports import Gone, Kind, Listing, Listings, Row, Survey, Surveying
from o2c_twin.integration.reconcile.remedies import case_about_gone
from o2c_twin.integration.reconcile.sides import Found
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter

_MICRO = 1_000_000
_CRM_KINDS: tuple[Kind, ...] = ("customer", "deal")
_ERP_KINDS: tuple[Kind, ...] = ("customer", "order", "shipment", "invoice")
_DELETED: tuple[tuple[str, Kind], ...] = (("crm", "customer"), ("crm", "deal"), ("erp", "customer"), ("erp", "order"))


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far back records (None: all of them) and deletions are looked at, in seconds, and by which contract."""

    records_s: float | None
    deleted_s: float
    contract: Mode


class Gathering:
    """The rows of one look. ``blind`` names kinds that could not be read, ``drifts`` what has changed in shape,
    ``unread`` records that could not be read, by what is to be said of them.
    """

    def __init__(self, engine: Engine, listings: Listings, horizon: Horizon, memory: Memory) -> None:
        self._engine = engine
        self._listings: Mapping[str, Listing] = {"crm": listings.crm, "erp": listings.erp}
        self._horizon = horizon
        self._memory = memory
        self._crm: dict[tuple[str, str], Row] = {}
        self._erp: dict[tuple[str, str], Row] = {}
        self._gone: dict[str, list[Gone]] = {"crm": [], "erp": []}
        self.blind: list[str] = []
        self.drifts: list[str] = []
        self.unread: dict[str, tuple[str, str, str]] = {}

    async def rows(self) -> Found:
        """Everything, or what changed within the horizon with what belongs to it."""
        now = self._engine.clock.now()
        since = 0 if self._horizon.records_s is None else now - int(self._horizon.records_s * _MICRO)
        back = max(0, now - int(self._horizon.deleted_s * _MICRO))
        surveys: dict[str, Survey] = {}
        for role, kinds in (("crm", _CRM_KINDS), ("erp", _ERP_KINDS)):
            survey = await self._survey(role, since, now + _MICRO, back)
            if survey is None:
                continue
            surveys[role] = survey
            for kind in kinds:
                await self._list(role, kind, since, now + _MICRO, survey.rows.get(kind))
        if self.blind:
            return Found((), ())
        gone: dict[str, list[Gone]] = {"crm": [], "erp": []}
        for role, kind in _DELETED:
            listing = self._listings[role]
            told = surveys[role].gone.get(kind)
            if told is not None:
                gone[role] += told
                continue
            known = [] if listing.tells_deleted else self._out_of_sight(role, kind)
            if not listing.tells_deleted and not known:
                continue
            try:
                ask = partial(listing.deleted, kind, back, known)
                gone[role] += await self._engine.delivery.read(listing.system, f"sweep:{role}:{kind}", ask)
            except DeadLetter as letter:
                self.blind.append(f"{listing.system} deleted {kind}: {letter.reason}")
        await self._counterparts(gone)
        self._gone = gone
        return self._found()

    def _found(self) -> Found:
        return Found(
            tuple(self._crm.values()),
            tuple(self._erp.values()),
            tuple(self._gone["crm"]),
            tuple(self._gone["erp"]),
            self._horizon.records_s is None,
            frozenset(self.unread.values()),
            self._listings["erp"].kept,
        )

    def _out_of_sight(self, role: str, kind: Kind) -> list[str]:
        """Ids of records the engine knows, which were not listed and of which nobody was asked."""
        kept = self._crm if role == "crm" else self._erp
        return [
            id_
            for id_ in self._memory.known(role, kind)
            if (kind, id_) not in kept and not self._memory.has_case(case_about_gone(kind, id_))
        ]

    async def _survey(self, role: str, since: int, until: int, gone_since: int) -> Survey | None:
        """What one call tells of several kinds, nothing where the vendor has no such call or refuses it; None where it
        is not there to be asked.
        """
        listing = self._listings[role]
        if isinstance(listing, Surveying):
            try:
                ask = partial(listing.survey, since, until, gone_since)
                return await self._engine.delivery.read(listing.system, f"sweep:{role}", ask)
            except DeadLetter as letter:
                if letter.kind != "refused":
                    self.blind.append(f"{listing.system}: {letter.reason}")
                    return None
                # Asked one by one, the kinds that can be read are, and the others say why they cannot.
        return Survey({}, {})

    async def _list(self, role: str, kind: Kind, since: int, until: int, known: Sequence[Row] | None) -> None:
        listing, rows = self._listings[role], known
        if rows is None:
            try:
                ask = partial(listing.listing, kind, since, until)
                rows = await self._engine.delivery.read(listing.system, f"sweep:{role}:{kind}", ask)
            except DeadLetter as letter:
                self.blind.append(f"{listing.system} {kind}: {letter.reason}")
                return
        shape = listing.shapes.get(kind)
        if shape is not None:
            decision = checked(self._horizon.contract, shape, listing.sample(kind))
            self.drifts += [str(drift) for drift in decision.drifts]
            if decision.action == "stop":
                self.blind.append(f"{listing.system} {kind}: {'; '.join(str(d) for d in decision.drifts)}")
                return
        self._keep(role, rows)

    def _keep(self, role: str, rows: Sequence[Row]) -> None:
        kept = self._crm if role == "crm" else self._erp
        rows = [comparable(self._engine, role, row) for row in rows]
        kept.update({(row.kind, row.id): row for row in rows if not row.unread})
        strange = [row for row in rows if row.unread]
        self.unread |= {f"{role} {row.kind} {row.id}: {row.unread}": (role, row.kind, row.id) for row in strange}
        if strange and self._horizon.contract == "freeze":
            self.blind.append(f"{role} {strange[0].kind}: {strange[0].unread}")

    async def again(self, repairs: Sequence[Repair]) -> Found | None:
        """The rows once more, with what sales holds of these repairs read anew; None where there is no need to.

        A note the engine has just written is not in a listing that began before, or that lags.
        """
        lags = self._listings["crm"].lags
        doubtful = [r for r in repairs if lags or (r.action == "write" and r.group not in ("there", "master"))]
        ids: dict[Kind, dict[str, None]] = {}
        for role, kind, id_ in (reference for repair in doubtful for reference in repair.references):
            if role == "crm":
                ids.setdefault("deal" if kind == "deal" else "customer", {})[id_] = None
        if not ids:
            return None
        for each, names in ids.items():
            for id_ in names:
                self._crm.pop((each, id_), None)
            await self._name("crm", each, list(names))
        return self._found()

    async def _counterparts(self, gone: Mapping[str, Sequence[Gone]]) -> None:
        """What belongs to a listed record and was not listed: by its id it is there, or it is gone indeed."""
        memory = self._memory
        orders = [row for (kind, _), row in self._erp.items() if kind == "order"]
        deals = [deal for row in orders if (deal := memory.deal_of(row.id, row.fields["external_id"])) is not None]
        deals += [d for g in gone["erp"] if g.kind == "order" and (d := memory.deal_of(g.id, None)) is not None]
        accounts = [g.id for g in gone["crm"] if g.kind == "customer"]
        await self._name("crm", "deal", deals)
        wanted = [str(row.fields["order"]) for (kind, _), row in self._erp.items() if kind in ("invoice", "shipment")]
        wanted += [o for (kind, id_), _ in self._crm.items() if kind == "deal" and (o := memory.order_of(id_))]
        await self._name("erp", "order", wanted)
        buyers = [id_ for (kind, id_) in self._crm if kind == "customer"]
        customers = [c for id_ in (*buyers, *accounts) if (c := memory.customer_of(id_)) is not None]
        await self._name("erp", "customer", customers)

    async def _name(self, role: str, kind: Kind, ids: Sequence[str]) -> None:
        kept = self._crm if role == "crm" else self._erp
        # What a person was asked about is known to be gone.
        missing = [
            id_
            for id_ in dict.fromkeys(ids)
            if (kind, id_) not in kept and not self._memory.has_case(case_about_gone(kind, id_))
        ]
        if not missing:
            return
        listing = self._listings[role]
        try:
            self._keep(
                role,
                await self._engine.delivery.read(
                    listing.system, f"sweep:{role}:{kind}", lambda: listing.named(kind, missing)
                ),
            )
        except DeadLetter as letter:
            self.blind.append(f"{listing.system} {kind}: {letter.reason}")
