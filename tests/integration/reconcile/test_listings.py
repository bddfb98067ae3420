"""What a sweep costs and sees: pages of a thousand and two thousand rows, records by id, deletions."""

from o2c_twin.integration.runtime.errors import CallFailed

HOUR = 3_600_000_000
SECOND = 1_000_000


def asked(here, work):
    """The result of a listing, and the calls it took."""
    before = here.sweep_calls
    return here.env.aio.run_until_complete(work), here.sweep_calls - before


def test_salesforce_lists_two_thousand_a_call(company):
    here = company()
    for n in range(2_100):
        here.estate.crm.create("account", {"name": f"A{n}"})
    here.pass_time(HOUR)
    rows, calls = asked(here, here.listings.crm.listing("customer", 0, here.clock.now()))
    assert (len({row.id for row in rows}), calls) == (2_100, 2)
    rows, calls = asked(here, here.listings.crm.named("customer", [row.id for row in rows[:500]]))
    assert (len(rows), calls) == (500, 2)


def test_netsuite_lists_a_thousand_a_call_although_all_changed_in_one_second(company):
    here = company()
    erp = here.estate.erp
    customer = erp.add_customer("Acme", "EUR")
    for n in range(1_200):
        erp.enter_order(customer.id, [(here.item.id, 1, 2_500)], po_number=f"P{n}")
    here.pass_time(HOUR)
    rows, calls = asked(here, here.listings.erp.listing("order", 0, here.clock.now()))
    # The second page begins at the last stamp of the first, which here is the very same.
    assert (len(rows), calls) == (1_200, 3)
    assert rows[0].amount_minor == 2_500 and rows[0].fields["fulfilment"] == "open"


def test_a_span_of_time_is_kept_to(company):
    here = company()
    here.pass_time(HOUR)
    here.estate.erp.add_customer("Early", "EUR")
    here.estate.crm.create("account", {"name": "Early"})
    here.pass_time(HOUR)
    here.estate.erp.add_customer("Late", "EUR")
    here.estate.crm.create("account", {"name": "Late"})
    now = here.clock.now()
    for listing in (here.listings.crm, here.listings.erp):
        first, _ = asked(here, listing.listing("customer", 0, now - HOUR // 2))
        later, _ = asked(here, listing.listing("customer", now - HOUR // 2, now + SECOND))
        assert [row.fields["name"] for row in (*first, *later)] == ["Early", "Late"]


def test_deletions_are_told_with_their_instant(company):
    here = company()
    deal = here.win(here.account(1))
    here.pass_time(HOUR)
    order = here.order_of(deal)
    since = here.clock.now()
    here.estate.erp.delete_order(order.id)
    here.estate.crm.delete("opportunity", deal)
    here.pass_time(HOUR)
    for listing, kind, id_ in ((here.listings.crm, "deal", deal), (here.listings.erp, "order", order.id)):
        (gone,), calls = asked(here, listing.deleted(kind, since))
        assert (gone.kind, gone.id, gone.at, calls) == (kind, id_, since, 1)
        assert asked(here, listing.deleted(kind, since + HOUR))[0] == []
        assert asked(here, listing.named(kind, [id_]))[0] == []


def test_an_id_of_nobody_is_asked_of_nobody(company):
    here = company()
    rows, calls = asked(here, here.listings.erp.named("order", ["1' OR '1'='1", "٣"]))
    assert (rows, calls) == ([], 0)


def test_a_survey_tells_in_few_calls_what_the_listings_tell_one_by_one(company):
    here = company()
    account = here.account(1)
    deals = [here.win(account) for _ in range(4)]
    here.pass_time(HOUR)
    orders = [here.order_of(deal) for deal in deals]
    here.estate.erp.deliver(orders[0].id)
    here.pass_time(4 * HOUR)
    since = here.clock.now()
    here.estate.erp.delete_order(orders[1].id)
    here.estate.crm.delete("opportunity", deals[1])
    here.pass_time(HOUR)
    # Logged in by now, as is also counted.
    here.look()
    for listing, kinds, of_gone, most in (
        (here.listings.crm, ("customer", "deal"), ("customer", "deal"), 1),
        (here.listings.erp, ("order", "shipment", "invoice"), ("customer", "order"), 2),
    ):
        now = here.clock.now()
        survey, calls = asked(here, listing.survey(0, now, since))
        assert calls == most and set(survey.rows) == set(kinds) and set(survey.gone) == set(of_gone)
        shown = {kind: [dict(each) for each in listing.sample(kind)] for kind in kinds}
        for kind in kinds:
            assert survey.rows[kind] == asked(here, listing.listing(kind, 0, now))[0] != []
            assert shown[kind] == [dict(each) for each in listing.sample(kind)]
        for kind in of_gone:
            assert survey.gone[kind] == asked(here, listing.deleted(kind, since))[0]
    assert [len(survey.gone[kind]) for kind in of_gone] == [0, 1]


def test_what_a_survey_is_refused_is_asked_by_itself_and_the_rest_is_not(company, monkeypatch):
    here = company()
    deal = here.win(here.account(1))
    here.pass_time(HOUR)
    listing = here.listings.crm
    whole = listing._fields["deal"]
    monkeypatch.setitem(listing._fields, "deal", f"{whole},NoSuchField")
    survey, calls = asked(here, listing.survey(0, here.clock.now(), 0))
    assert (set(survey.rows), calls) == ({"customer"}, 1)
    plan = here.look()
    assert len(plan.blind) == 1 and "NoSuchField" in plan.blind[0]
    monkeypatch.undo()
    assert here.look().blind == () and here.disagreements() == {} and deal in here.deals


def test_a_survey_reads_on_page_by_page(company):
    here = company()
    for n in range(2_100):
        here.estate.crm.create("account", {"name": f"A{n}"})
    customer = here.estate.erp.add_customer("Acme", "EUR")
    for n in range(1_200):
        here.estate.erp.enter_order(customer.id, [(here.item.id, 1, 2_500)], po_number=f"P{n}")
    here.pass_time(HOUR)
    survey, calls = asked(here, here.listings.crm.survey(0, here.clock.now(), 0))
    assert (len({row.id for row in survey.rows["customer"]}), calls) == (2_100, 2)
    survey, calls = asked(here, here.listings.erp.survey(0, here.clock.now(), 0))
    assert (len({row.id for row in survey.rows["order"]}), calls) == (1_200, 4)


def test_a_system_that_is_away_is_waited_for_once_and_one_that_refuses_is_asked_one_by_one(company, monkeypatch):
    here = company()
    here.win(here.account(1))
    here.pass_time(HOUR)
    listing, asked_for = here.listings.crm, []
    whole = listing.listing

    async def listed(kind, since, until):
        asked_for.append(kind)
        return await whole(kind, since, until)

    monkeypatch.setattr(listing, "listing", listed)
    for cause, kinds in (("unavailable", []), ("rejected", ["customer", "deal"])):

        async def survey(since, until, gone_since, cause=cause):
            raise CallFailed("crm", "survey", cause, "no")

        monkeypatch.setattr(listing, "survey", survey)
        asked_for.clear()
        plan = here.look()
        assert asked_for == kinds and len(plan.blind) == (cause == "unavailable")
