"""Associations: made with a record, beside it, in batches; a primary company; a line item's one deal."""

import pytest


def test_a_record_is_made_with_its_associations(portal):
    company = portal.create("companies", name="Acme")
    contact = portal.create("contacts", (279, company), email="a@b.example")
    deal = portal.deal((5, company), (3, contact))
    line = portal.create("line_items", (20, deal), name="X", quantity="1", price="2")
    assert portal.linked("deals", deal, "companies") == [(company, [5, 341])]
    assert portal.linked("companies", company, "deals") == [(deal, [6, 342])]
    assert portal.linked("deals", deal, "contacts") == [(contact, [3])]
    assert portal.linked("contacts", contact, "deals") == [(deal, [4])]
    assert portal.linked("contacts", contact, "companies") == [(company, [1, 279])]
    assert portal.linked("deals", deal, "line_items") == [(line, [19])]
    assert portal.linked("line_items", line, "deals") == [(deal, [20])]
    assert portal.read("deals", deal, "hs_primary_associated_company")["hs_primary_associated_company"] == company


def test_a_read_answers_associations_under_the_vendors_odd_names(open_portal):
    for spaced, key in ((True, "line items"), (False, "line_items")):
        portal = open_portal(spaced_line_items=spaced)
        company = portal.create("companies", name="Acme")
        deal = portal.deal((5, company))
        line = portal.create("line_items", (20, deal), name="X", quantity="1", price="2")
        shown = portal.call("GET", f"deals/{deal}", query={"associations": "companies,line_items,contacts"}).json
        assert shown["associations"] == {
            "companies": {
                "results": [
                    {"id": company, "type": "deal_to_company"},
                    {"id": company, "type": "deal_to_company_unlabeled"},
                ]
            },
            key: {"results": [{"id": line, "type": "deal_to_line_item"}]},
        }


@pytest.mark.parametrize(
    "association",
    [
        {"to": {"id": "1"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]},
        {"to": {"id": "C"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}]},
        {"to": {"id": "C"}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 5}]},
        {"to": {}, "types": []},
    ],
)
def test_a_record_whose_association_cannot_be_made_is_not_made_either(quick, association):
    company = quick.create("companies", name="Acme")
    if association["to"].get("id") == "C":
        association = {**association, "to": {"id": company}}
    before = quick.dialect.snapshot()
    body = {"properties": {"dealname": "D", "dealstage": "contractsent"}, "associations": [association]}
    assert quick.call("POST", "deals", body).status in (400, 404)
    assert quick.dialect.snapshot() == before


def test_the_first_company_is_the_primary_one_and_a_label_moves_it(portal):
    one, two = (portal.create("companies", name=n) for n in "ab")
    deal = portal.deal()
    base = f"/crm/v4/objects/deals/{deal}/associations"
    made = portal.call("PUT", f"{base}/default/companies/{one}")
    assert made.status == 200
    specs = [(r["from"]["id"], r["associationSpec"]["associationTypeId"]) for r in made.json["results"]]
    assert specs == [(deal, 5), (deal, 341), (one, 6), (one, 342)]
    portal.call("PUT", f"{base}/default/companies/{two}")
    assert portal.linked("deals", deal, "companies") == [(one, [5, 341]), (two, [341])]
    label = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
    assert portal.call("PUT", f"{base}/companies/{two}", label).status == 201
    assert portal.linked("deals", deal, "companies") == [(two, [5, 341]), (one, [341])]
    assert portal.linked("companies", one, "deals") == [(deal, [342])]
    assert portal.call("DELETE", f"{base}/companies/{two}").status == 204
    assert portal.call("DELETE", f"{base}/companies/{two}").status == 204
    assert portal.linked("deals", deal, "companies") == [(one, [341])]


def test_in_a_portal_without_that_rule_only_a_label_makes_a_company_primary(open_portal):
    portal = open_portal(first_company_is_primary=False)
    company, deal = portal.create("companies", name="a"), portal.deal()
    portal.call("PUT", f"/crm/v4/objects/deals/{deal}/associations/default/companies/{company}")
    assert portal.linked("deals", deal, "companies") == [(company, [341])]


def test_a_line_item_belongs_to_one_deal_and_leaves_it_for_another(quick):
    one, two = quick.deal(), quick.deal()
    line = quick.create("line_items", (20, one), name="X", quantity="1", price="2")
    quick.call("PUT", f"/crm/v4/objects/deals/{two}/associations/default/line_items/{line}")
    assert quick.linked("deals", one, "line_items") == []
    assert quick.linked("deals", two, "line_items") == [(line, [19])]
    quick.call("DELETE", f"/crm/v4/objects/deals/{two}/associations/line_items/{line}")
    assert quick.linked("line_items", line, "deals") == []
    assert quick.read("line_items", line)["name"] == "X"


def test_an_archived_record_is_associated_with_nothing(quick):
    company, contact = quick.create("companies", name="a"), quick.create("contacts", email="a@b.example")
    deal = quick.deal((5, company), (3, contact))
    quick.call("DELETE", f"contacts/{contact}")
    quick.call("DELETE", f"companies/{company}")
    assert quick.linked("deals", deal, "contacts") == []
    assert quick.linked("deals", deal, "companies") == []


def test_associations_are_paged(quick):
    deal = quick.deal()
    lines = [quick.create("line_items", (20, deal), name=str(n), quantity="1") for n in range(5)]
    path = f"/crm/v4/objects/deals/{deal}/associations/line_items"
    seen, query = [], {"limit": "2"}
    while query:
        page = quick.call("GET", path, query=query).json
        seen += [str(r["toObjectId"]) for r in page["results"]]
        query = {"limit": "2", "after": page["paging"]["next"]["after"]} if "paging" in page else None
    assert seen == lines


def test_batches_make_read_and_remove_associations(portal):
    company, other = (portal.create("companies", name=n) for n in "ab")
    deals = [portal.deal() for _ in range(3)]
    base = "/crm/v4/associations/deals/companies/batch"
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]
    pairs = [{"from": {"id": d}, "to": {"id": company}, "types": spec} for d in deals[:2]]
    assert portal.call("POST", f"{base}/create", {"inputs": pairs}).status == 201
    plain = [{"from": {"id": deals[0]}, "to": {"id": other}}]
    assert portal.call("POST", f"{base}/associate/default", {"inputs": plain}).status == 200
    read = portal.call("POST", f"{base}/read", {"inputs": [{"id": d} for d in deals]})
    assert (read.status, read.json["numErrors"]) == (207, 1)
    found = {r["from"]["id"]: [str(t["toObjectId"]) for t in r["to"]] for r in read.json["results"]}
    assert found == {deals[0]: [company, other], deals[1]: [company]}
    gone = [{"from": {"id": deals[0]}, "to": [{"id": company}, {"id": other}]}]
    assert portal.call("POST", f"{base}/archive", {"inputs": gone}).status == 204
    assert portal.linked("deals", deals[0], "companies") == []
    labels = portal.call("GET", "/crm/v4/associations/deals/companies/labels").json["results"]
    assert [(each["typeId"], each["label"]) for each in labels] == [(5, "Primary"), (341, None)]


def test_a_batch_of_associations_is_made_whole_or_not_at_all(quick):
    company, deal = quick.create("companies", name="a"), quick.deal()
    before = quick.dialect.snapshot()
    pairs = [{"from": {"id": deal}, "to": {"id": company}}, {"from": {"id": deal}, "to": {"id": "1"}}]
    answer = quick.call("POST", "/crm/v4/associations/deals/companies/batch/associate/default", {"inputs": pairs})
    assert answer.error == (404, "OBJECT_NOT_FOUND")
    assert quick.dialect.snapshot() == before


def test_types_that_know_no_association_are_refused(quick):
    deal, product = quick.deal(), quick.create("products", name="P")
    path = f"/crm/v4/objects/deals/{deal}/associations/default/products/{product}"
    assert quick.call("PUT", path).error == (400, "VALIDATION_ERROR")
