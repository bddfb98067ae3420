"""Outbound messages: which changes are told, what is said, how often until somebody says Ack."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from o2c_twin.mock_systems.vendors.salesforce import BadSetting, OutboundMessage
from o2c_twin.mock_systems.vendors.salesforce.feed import RULES, acknowledged
from o2c_twin.mock_systems.wire.faults import DuplicatedWebhook, LostWebhook

OUT = "{http://soap.sforce.com/2005/09/outbound}"
OBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
WON = OutboundMessage(
    "won",
    "Opportunity",
    "https://listener.example/won",
    ("Id", "AccountId", "Name", "Amount", "IsWon", "SystemModstamp", "PO_Number__c"),
    "IsWon = true",
)
ACCOUNTS = OutboundMessage(
    "accounts", "Account", "https://listener.example/accounts", ("Id", "Name"), trigger="onAllChanges"
)
NO = (200, b"<Envelope><Body><notificationsResponse><Ack>false</Ack></notificationsResponse></Body></Envelope>")


def notices(org):
    """What was caught: notification id, action, type, fields."""
    found = []
    for _, _, _, body in org.listener.got:
        root = ElementTree.fromstring(body)
        (notice,) = root.iter(f"{OUT}Notification")
        record = notice.find(f"{OUT}sObject")
        fields = {element.tag.removeprefix(OBJECT): element.text for element in record}
        found.append((notice.findtext(f"{OUT}Id"), record.get(f"{XSI}type"), fields))
    return found


def test_a_deal_is_told_once_when_it_is_won(open_org):
    org = open_org(outbound_messages=(WON,))
    account = org.create("Account", Name="Acme")
    deal = org.deal(Name="R&D <1>", AccountId=account, Amount=1250.5)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Qualification"})
    assert org.listener.got == []
    org.later(5)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"})
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"ERP_Order_Number__c": "SO1"})
    ((notification, type_, fields),) = notices(org)
    assert notification.startswith("04l")
    assert type_ == "sf:Opportunity"
    assert fields == {
        "Id": deal,
        "AccountId": account,
        "Name": "R&D <1>",
        "Amount": "1250.5",
        "IsWon": "true",
        "SystemModstamp": "2026-01-01T00:00:05.000Z",
    }
    ((_, url, headers, body),) = org.listener.got
    assert url == "https://listener.example/won"
    assert headers["Content-Type"].startswith("text/xml")
    root = ElementTree.fromstring(body)
    (envelope,) = root.iter(f"{OUT}notifications")
    assert envelope.findtext(f"{OUT}OrganizationId").startswith("00D")
    assert envelope.findtext(f"{OUT}ActionId").startswith("04k")
    assert envelope.find(f"{OUT}SessionId").get(f"{XSI}nil") == "true"
    assert "/services/Soap/c/" in envelope.findtext(f"{OUT}EnterpriseUrl")
    assert "/services/Soap/u/" in envelope.findtext(f"{OUT}PartnerUrl")


def test_a_deal_that_is_won_again_is_told_again(open_org):
    org = open_org(outbound_messages=(WON,))
    deal = org.deal(StageName="Closed Won")
    for stage in ("Closed Lost", "Closed Won"):
        org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": stage})
    assert len({notification for notification, _, _ in notices(org)}) == 2


def test_what_people_do_is_told_as_well(open_org):
    org = open_org(outbound_messages=(WON,))
    deal = org.deal()
    org.act(lambda: org.core.update("opportunity", deal, {"stage": "Closed Won"}))
    assert [fields["Id"] for _, _, fields in notices(org)] == [deal]


def test_every_change_of_an_account_is_told_in_a_message_of_its_own(open_org):
    org = open_org()
    outcome = org.dialect.subscribe(ACCOUNTS)
    id_ = org.create("Account", Name="A")
    org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1"})
    org.call("DELETE", f"/sobjects/Account/{id_}")
    assert [fields["Name"] for _, _, fields in notices(org)] == ["A", "A"]
    assert outcome.delivered == 2


def test_records_that_met_the_criteria_before_are_no_news(open_org):
    org = open_org()
    deal = org.deal(StageName="Closed Won")
    org.dialect.subscribe(WON)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"PO_Number__c": "1"})
    assert org.listener.got == []


def test_only_created_records_if_so_asked(open_org):
    message = OutboundMessage("new", "Account", "https://l.example", trigger="onCreateOnly")
    org = open_org(outbound_messages=(message,))
    id_ = org.create("Account", Name="A")
    org.call("PATCH", f"/sobjects/Account/{id_}", {"Phone": "1"})
    assert len(org.listener.got) == 1


@pytest.mark.parametrize("reply", [NO, (500, b""), (0, b""), (200, b"OK"), (404, b"<Ack>true</Ack>")])
def test_a_message_is_repeated_for_a_day_until_it_is_acknowledged(open_org, reply):
    org = open_org(outbound_messages=(WON,))
    org.listener.reply = reply
    org.deal(StageName="Closed Won")
    org.later(2 * 86_400)
    times = [at for at, _, _, _ in org.listener.got]
    waits = [(later - sooner) / 1e6 for sooner, later in pairwise(times)]
    assert waits == sorted(waits)
    assert max(waits) == 7_200
    assert waits[1] == 2 * waits[0]
    assert 86_400 - 7_200 < (times[-1] - times[0]) / 1e6 <= 86_400
    # However often it comes, it is the same notification.
    assert len({notification for notification, _, _ in notices(org)}) == 1


def test_a_message_is_sent_no_more_once_it_is_acknowledged(open_org):
    org = open_org()
    outcome = org.dialect.subscribe(WON)
    good, org.listener.reply = org.listener.reply, NO
    org.deal(StageName="Closed Won")
    org.later(20)
    tried = len(org.listener.got)
    org.listener.reply = good
    org.later(86_400)
    assert len(org.listener.got) == tried + 1
    assert (outcome.delivered, outcome.retried) == (1, tried)


def test_a_late_message_tells_how_things_are_by_then(open_org):
    org = open_org(outbound_messages=(ACCOUNTS,))
    org.listener.reply = (0, b"")
    id_ = org.create("Account", Name="Old")
    org.later(1)
    org.act(lambda: org.core.update("account", id_, {"name": "New"}))
    org.later(5)
    org.call("DELETE", f"/sobjects/Account/{id_}")
    org.later(30)
    first = notices(org)[0][0]
    told = [fields.get("Name") for notification, _, fields in notices(org) if notification == first]
    assert told[:3] == ["Old", "New", None]


def test_a_change_that_was_rolled_back_is_not_told(open_org):
    org = open_org(outbound_messages=(ACCOUNTS,))
    url = "/services/data/v59.0/sobjects/Account"
    requests = [
        {"method": "POST", "url": url, "referenceId": f"r{n}", "body": {"Name": "A"} if n else {}} for n in (1, 0)
    ]
    org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": requests})
    assert org.listener.got == []
    org.call("POST", "/composite", {"allOrNone": True, "compositeRequest": requests[:1]})
    assert len(org.listener.got) == 1


def test_faults_of_the_server_lose_and_double_messages(open_org):
    org = open_org(outbound_messages=(ACCOUNTS,))
    org.server.faults.add(LostWebhook(next=1))
    org.create("Account", Name="Lost")
    assert org.listener.got == []
    org.server.faults.clear()
    org.server.faults.add(DuplicatedWebhook(operations=("webhook.outbound.accounts",), next=1))
    org.create("Account", Name="Twice")
    org.later(2)
    assert [fields["Name"] for _, _, fields in notices(org)] == ["Twice", "Twice"]
    assert len({notification for notification, _, _ in notices(org)}) == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"object": "Nothing"}, "'Nothing' cannot be watched"),
        ({"object": "User"}, "'User' cannot be watched"),
        ({"fields": ("Id", "Foo__c")}, "no field Foo__c"),
        ({"criteria": "IsWon ="}, "is no SOQL condition"),
        ({"criteria": "CloseDate = TODAY"}, "must be one condition"),
    ],
)
def test_a_message_that_cannot_be_is_refused_by_name(org, change, part):
    with pytest.raises(BadSetting, match="outbound message 'won'") as refused:
        org.dialect.subscribe(replace(WON, **change))
    assert part in str(refused.value)


def test_two_messages_may_not_share_a_name(org):
    org.dialect.subscribe(WON)
    with pytest.raises(BadSetting, match="choose another"):
        org.dialect.subscribe(WON)


@pytest.mark.parametrize(
    ("status", "body", "good"),
    [
        (200, b"<a><Ack>true</Ack></a>", True),
        (200, b"<n:a xmlns:n='u'><n:Ack>1</n:Ack></n:a>", True),
        (200, b"<a><Ack>false</Ack></a>", False),
        (200, b"<a/>", False),
        (202, b"<a><Ack>true</Ack></a>", False),
        (200, b"", False),
    ],
)
def test_only_a_true_ack_in_an_envelope_counts(status, body, good):
    assert acknowledged(status, body) is good


def test_the_rhythm_names_its_source():
    assert RULES.source
    assert RULES.attempts_s[0] == 0


def test_the_snapshot_remembers_who_was_told(open_org):
    org = open_org(outbound_messages=(WON,))
    deal = org.deal(StageName="Closed Won")
    state = org.dialect.snapshot()
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Lost"})
    org.dialect.restore(state)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"PO_Number__c": "1"})
    assert len(org.listener.got) == 1
