"""What a sweep costs and sees: pages of a thousand and two thousand rows, records by id, deletions."""

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
