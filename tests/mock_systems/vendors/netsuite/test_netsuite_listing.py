"""Record collections: ids and links, pages, and the filters of the ``q`` parameter."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

DAY_US = 86_400_000_000


def ids(account: Any, record: str, q: str) -> list[str]:
    return [entry["id"] for entry in account.get(record, q=q)["items"]]


@pytest.fixture
def four(account: Any) -> tuple[Any, list[str]]:
    """Four customers, created on four days from 5 January 2026 on."""
    made = []
    for number, name in enumerate(["Acme", "Acme East", "Bolt & Co", 'The "Quoted"']):
        fields = {"creditLimit": 100 * number, "isInactive": number == 3, "externalId": f"CRM-{number}"}
        made.append(account.customer(name, **fields))
        account.clock.us += DAY_US
    return account, made


def test_a_collection_has_ids_and_links_only(four: Any) -> None:
    account, made = four
    page = account.get("customer")
    assert (page["count"], page["totalResults"], page["offset"], page["hasMore"]) == (4, 4, 0, False)
    assert page["items"][0] == {
        "links": [{"rel": "self", "href": f"http://localhost/services/rest/record/v1/customer/{made[0]}"}],
        "id": made[0],
    }
    assert [link["rel"] for link in page["links"]] == ["self"]


def test_following_next_links_reads_everything_once(four: Any) -> None:
    account, made = four
    query, seen = {"limit": "1", "q": "creditLimit LESS 250"}, []
    while True:
        page = account.get("customer", **query)
        seen += [entry["id"] for entry in page["items"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        query = {name: values[0] for name, values in parse_qs(urlsplit(following[0]).query).items()}
    assert seen == made[:3]
    assert {link["rel"] for link in page["links"]} == {"self", "first", "prev"}


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ('companyName IS "Acme"', [0]),
        ("companyName IS Acme", [0]),
        ('companyName START_WITH "Acme"', [0, 1]),
        ("companyName CONTAIN East", [1]),
        ('companyName END_WITH "Co"', [2]),
        ('companyName START_WITH_NOT "Acme"', [2, 3]),
        (r'companyName IS "The \"Quoted\""', [3]),
        ("creditLimit GREATER_OR_EQUAL 200", [2, 3]),
        ("creditLimit BETWEEN [50, 250]", [1, 2]),
        ("creditLimit EQUAL 300", [3]),
        ("isInactive IS true", [3]),
        ("isInactive IS_NOT true", [0, 1, 2]),
        ("email EMPTY", [0, 1, 2, 3]),
        ("email EMPTY_NOT", []),
        ('externalId ANY_OF ["CRM-1", "CRM-2", "CRM-9"]', [1, 2]),
        ('lastModifiedDate ON_OR_AFTER "1/6/2026"', [1, 2, 3]),
        ('lastModifiedDate AFTER "01/06/2026"', [2, 3]),
        ('lastModifiedDate BEFORE "1/6/2026"', [0]),
        ('lastModifiedDate ON "1/7/2026"', [2]),
        ('lastModifiedDate WITHIN ["1/6/2026", "1/7/2026"]', [1, 2]),
        ('dateCreated ON_OR_BEFORE "1/6/2026"', [0, 1]),
        ('lastModifiedDate ON_OR_AFTER "1/6/2026 12:01 AM"', [2, 3]),
        ("creditLimit LESS 50 OR creditLimit GREATER 250", [0, 3]),
        ("(companyName CONTAIN Acme OR isInactive IS true) AND creditLimit GREATER 50", [1, 3]),
        ('companyName IS "Acme" AND (externalId IS "CRM-0" OR externalId IS "CRM-1")', [0]),
        ('companyName IS "Acme" OR externalId IS "CRM-2"', [0, 2]),
    ],
)
def test_filters(four: Any, q: str, found: list[int]) -> None:
    account, made = four
    assert ids(account, "customer", q) == [made[number] for number in found]


@pytest.mark.parametrize(
    "q",
    [
        "colour IS red",
        "companyName GREATER 5",
        "companyName IS",
        "companyName",
        "creditLimit EQUAL much",
        "creditLimit BETWEEN [1]",
        'lastModifiedDate AFTER "2026-01-05"',
        "(companyName IS Acme",
        "companyName IS Acme)",
        "companyName IS Acme AND",
        "isInactive IS maybe",
        "(" * 200 + "id EQUAL 1" + ")" * 200,
    ],
)
def test_a_filter_that_makes_no_sense_is_a_400(four: Any, q: str) -> None:
    account, _ = four
    answer = account.call("GET", "customer", None, {"q": q})
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, detail["o:errorCode"], detail["o:errorQueryParam"]) == (400, "INVALID_PARAMETER", "q")


def test_a_collection_of_transactions_has_only_its_own_type(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order = account.order(customer, (item, 1, 10), otherRefNum="PO-7")
    account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment")
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice")
    assert ids(account, "salesOrder", 'otherRefNum IS "PO-7"') == [order]
    assert ids(account, "invoice", 'otherRefNum IS "PO-7"') == [invoice]
    assert ids(account, "invoice", f"createdFrom ANY_OF [{order}]") == [invoice]
    assert ids(account, "invoice", f"entity EQUAL {customer} AND amountRemaining GREATER 0") == [invoice]
    assert ids(account, "customerPayment", f"customer EQUAL {customer}") == []
    assert account.get("itemFulfillment")["count"] == 1


@pytest.mark.parametrize("name", ["ids", "expandRecords"])
def test_what_would_change_the_answer_and_is_not_modelled_is_refused(account: Any, name: str) -> None:
    answer = account.call("GET", "customer", None, {name: "1"})
    assert json.loads(answer.body)["o:errorDetails"][0]["o:errorQueryParam"] == name


def test_the_page_size_is_a_thousand_at_most_and_offsets_are_multiples(account: Any) -> None:
    for query in ({"limit": "1001"}, {"limit": "2", "offset": "1"}):
        answer = account.call("GET", "customer", None, query)
        assert json.loads(answer.body)["o:errorDetails"][0]["o:errorCode"] == "INVALID_PARAMETER"
