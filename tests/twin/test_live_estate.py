"""`o2c up`: the whole estate on real ports, driven from a second process through HTTP only."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from o2c_twin.integration.connectors.oauth1 import TokenSigner

API = "/services/data/v59.0"
REST = "/services/rest/record/v1"
PATIENCE_S = 60


@pytest.fixture(scope="module")
def estate() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "o2c_twin.cli.main", "up", "to-be", "--speed", "60", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        text = ""
        while True:
            line = server.stdout.readline()
            assert line, f"o2c up ended: {text}"
            text += line
            try:
                described = json.loads(text)
                break
            except json.JSONDecodeError:
                continue
        yield described
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


class Crm:
    """A sales person's browser, in effect."""

    def __init__(self, system: dict[str, Any]) -> None:
        given = system["credentials"]
        form = {k: given[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        token = httpx.post(f"{system['url']}/services/oauth2/token", data=form).json()["access_token"]
        self._url = system["url"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def create(self, kind: str, **fields: Any) -> str:
        answer = httpx.post(f"{self._url}{API}/sobjects/{kind}/", json=fields, headers=self._headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def change(self, kind: str, id_: str, **fields: Any) -> None:
        assert (
            httpx.patch(f"{self._url}{API}/sobjects/{kind}/{id_}", json=fields, headers=self._headers).status_code
            == 204
        )

    def query(self, soql: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self._url}{API}/query/", params={"q": soql}, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["records"])

    def wait_for(self, deal: str, field: str, value: str | None = None) -> str:
        found = None
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = self.query(f"SELECT {field} FROM Opportunity WHERE Id = '{deal}'")[0][field]
            if found is not None and value in (None, found):
                return str(found)
            time.sleep(0.1)
        raise AssertionError(f"{field} is {found!r} after {PATIENCE_S} s, waiting for {value or 'any value'}")


class Erp:
    """A warehouse clerk's session."""

    def __init__(self, system: dict[str, Any]) -> None:
        given = system["credentials"]
        self._url = system["url"]
        self._signer = TokenSigner(
            given["account"],
            given["consumer_key"],
            given["consumer_secret"],
            given["token_id"],
            given["token_secret"],
        )
        # The account checks timestamps against its own clock, which runs sixty times as fast as ours.
        self._clock = lambda: httpx.get(f"{system['control']}/health", headers=system["control_headers"]).json()["now"]
        self._calls = 0

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        self._calls += 1
        second = self._clock() // 1_000_000
        header = self._signer.header(method, self._url + path, {}, second, f"nonce{self._calls:04d}")
        return httpx.request(method, self._url + path, json=body, headers={"Authorization": header})


def test_a_won_deal_becomes_a_paid_invoice_over_http_alone(estate):
    systems = estate["systems"]
    control = {"Authorization": f"Bearer {estate['control_token']}"}
    crm = Crm(systems["crm"])
    erp = Erp({**systems["erp"], "control_headers": control})

    account = crm.create("Account", Name="Acme Ltd", Customer_Number__c="K1", Payment_Terms_Days__c=30)
    deal = crm.create(
        "Opportunity",
        Name="Pumps",
        StageName="Prospecting",
        CloseDate="2026-01-05",
        AccountId=account,
        PO_Number__c="ACME-77",
    )
    price = crm.query("SELECT Id, UnitPrice FROM PricebookEntry WHERE Product2.ProductCode = 'SKU-0001'")[0]
    crm.create(
        "OpportunityLineItem",
        OpportunityId=deal,
        PricebookEntryId=price["Id"],
        Quantity=3,
        UnitPrice=price["UnitPrice"],
    )
    crm.change("Opportunity", deal, StageName="Closed Won")

    order_number = crm.wait_for(deal, "ERP_Order_Number__c")
    order_id = crm.wait_for(deal, "ERP_Order_Id__c")
    order = erp.call("GET", f"{REST}/salesOrder/{order_id}").json()
    assert order["tranId"] == order_number
    assert order["otherRefNum"] == "ACME-77"

    shipped = erp.call("POST", f"{REST}/salesOrder/{order_id}/!transform/itemFulfillment", {"shipStatus": {"id": "C"}})
    assert shipped.status_code == 204, shipped.text
    invoice_number = crm.wait_for(deal, "Invoice_Number__c")
    crm.wait_for(deal, "Fulfilment_Status__c", "shipped")
    assert crm.wait_for(deal, "Payment_Status__c") == "Open"

    bank = systems["bank"]["url"]
    given = systems["bank"]["credentials"]
    form = {k: given[k] for k in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
    token = httpx.post(f"{bank}/oauth2/token", data=form).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    amount = f"{3 * price['UnitPrice']:.2f}"
    paid = {"accountId": given["account_id"], "amount": amount, "remittance": invoice_number, "debtorName": "Acme"}
    assert httpx.post(f"{bank}/v1/sandbox/incoming-payments", json=paid, headers=bearer).status_code == 201
    assert httpx.post(f"{bank}/v1/sandbox/close-day", headers=bearer).json()["statements"]

    crm.wait_for(deal, "Payment_Status__c", "Paid")
    calls = httpx.get(f"{systems['erp']['control']}/journal?last=1000", headers=control).json()["entries"]
    assert sum(entry["operation"] == "salesOrder.upsert" and deal in entry["path"] for entry in calls) == 1
    assert all(entry["operation"] != "not modelled" for entry in calls)


def test_a_lost_reply_injected_through_the_control_plane_makes_no_second_order(estate):
    systems = estate["systems"]
    control = {"Authorization": f"Bearer {estate['control_token']}"}
    fault = {"fault": "lost-reply", "how": "reset", "operations": ["salesOrder.*"], "next": 1}
    armed = httpx.post(f"{systems['erp']['control']}/faults", json=fault, headers=control)
    assert armed.status_code == 201
    before = httpx.get(f"{systems['erp']['control']}/health", headers=control).json()["sales orders"]
    crm = Crm(systems["crm"])
    account = crm.create("Account", Name="Beta Ltd", Customer_Number__c="K2")
    deal = crm.create("Opportunity", Name="Valves", StageName="Prospecting", CloseDate="2026-01-05", AccountId=account)
    price = crm.query("SELECT Id, UnitPrice FROM PricebookEntry WHERE Product2.ProductCode = 'SKU-0002'")[0]
    crm.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price["Id"], Quantity=1, UnitPrice=10)
    crm.change("Opportunity", deal, StageName="Closed Won")
    crm.wait_for(deal, "ERP_Order_Number__c")
    calls = httpx.get(f"{systems['erp']['control']}/journal?last=1000", headers=control).json()["entries"]
    mine = [e for e in calls if e["operation"] == "salesOrder.upsert" and deal in e["path"]]
    assert mine[0]["status"] == 0
    assert mine[-1]["status"] == 204
    health = httpx.get(f"{systems['erp']['control']}/health", headers=control).json()
    assert health["sales orders"] == before + 1
