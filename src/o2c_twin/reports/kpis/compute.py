"""All KPIs of one run, from its record."""

from o2c_twin.reports.kpis.catalogue import DEFINITIONS
from o2c_twin.reports.kpis.credit_hold import credit_hold_kpis
from o2c_twin.reports.kpis.cycle_time import cycle_time_kpis
from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi, KpiSet
from o2c_twin.reports.kpis.quality import quality_kpis
from o2c_twin.reports.kpis.receivables import receivables_kpis
from o2c_twin.reports.kpis.systems import systems_kpis
from o2c_twin.reports.kpis.work import work_kpis
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.run_record import RunRecord


def compute_kpis(run: RunRecord | ObservedRun) -> KpiSet:
    """The run's KPIs in catalogue order, details after the KPI they belong to.

    Balances and sales are of the measured period; what happened to its deals, receipts and changes is
    followed to the end of the run; lost and duplicate orders are counted there. Raises `RunRecordError`
    for a broken manifest and `MixedCurrencies` for money without a rate into the manifest's currency.
    """
    run = observe(run)
    kpis = [
        *receivables_kpis(run),
        *cycle_time_kpis(run),
        *credit_hold_kpis(run),
        *quality_kpis(run),
        *work_kpis(run),
        *systems_kpis(run),
        *_volume_kpis(run),
    ]
    place = {id: n for n, id in enumerate(DEFINITIONS)}
    # The sort is stable: a KPI's details stay in the order they were measured.
    kpis.sort(key=lambda kpi: (place[kpi.definition.id], kpi.is_detail))
    seed = run.manifest.get("seed")
    return KpiSet(run.label, str(run.manifest.get("scenario", "")), seed, tuple(kpis))


def _volume_kpis(run: ObservedRun) -> list[Kpi]:
    measure = Measure(run)
    deals, orders = run.in_period("deals", "won_at"), run.in_period("orders", "entered_at")
    documents = run.in_period("invoices", "issued_at")
    bills = int((documents["kind"] == "invoice").sum())
    net = int(run.ledger.movements.net_sales[-run.days :].sum())
    return [
        measure.number("deals.won", len(deals), len(deals)),
        measure.money("deals.amount", int(deals["amount_minor"].sum()), len(deals)),
        measure.number("orders.entered", len(orders), len(orders)),
        measure.number("invoices.issued", bills, bills),
        measure.money("invoices.net", net, bills),
    ]
