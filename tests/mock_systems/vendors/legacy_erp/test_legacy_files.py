"""The file drop, by plain files: what is taken, when, and what comes of a file that does not add up."""

from datetime import UTC, datetime

import pytest

from o2c_twin.mock_systems.vendors.legacy_erp import Batch
from o2c_twin.mock_systems.wire.faults import (
    ConnectionRefused,
    DuplicatedFile,
    HalfWrittenFile,
    LostFile,
    MaintenanceWindow,
)

MINUTE_US = 60_000_000


def at(hour: int, minute: int = 0, day: int = 5) -> int:
    return int(datetime(2026, 1, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000


def csv_order(
    ref: str, number: int, customer: str = "K-1", quantity: int = 3, sku: str = "WIDGET", price: str = "19.99"
) -> str:
    """An order file as a partner's script writes it, with its totals."""
    cents = int(price.replace(".", ""))
    return (
        f"HDR|ORD|{number}|SHOP|20260105120000\r\n"
        f"H|{ref}|{customer}|PO-7|20260105|EUR|1\r\n"
        f"L|1|{sku}|{quantity}|EA|{price}\r\n"
        f"TRL|2|{1 + 1 + quantity}|{cents // 100}.{cents % 100:02d}\r\n"
    )


def fixed_order(ref: str, number: int, customer: str = "K-1", quantity: int = 3, cents: int = 1_999) -> str:
    """The same as a fixed-width file, spelled out by hand."""
    zoned = f"{cents:015d}"
    zoned = zoned[:-1] + "{ABCDEFGHI"[int(zoned[-1])]
    total = f"{cents:018d}"
    total = total[:-1] + "{ABCDEFGHI"[int(total[-1])]
    lines = [
        f"00ORD{number:015d}{'SHOP':<12}20260105120000",
        f"10{ref:<40}{customer:<20}{'PO-7':<30}1260105 EUR0001",
        f"200001{'WIDGET':<30}{quantity:09d}EA {zoned}",
        f"90{2:09d}{1 + 1 + quantity:015d}{total}",
    ]
    return "\r\n".join(lines) + "\r\n"


def _orders(erp):
    return list(erp.core.state.orders.values())


# --- when -------------------------------------------------------------------------------------------


def test_an_order_waits_for_the_night_and_is_acknowledged_by_it(erp):
    erp.put("ORD_20260105_0001.csv", csv_order("order:D1", 1))
    erp.until(at(21, 59))
    assert _orders(erp) == [] and erp.files("in") == ["ORD_20260105_0001.csv"]
    erp.until(at(22))
    (order,) = _orders(erp)
    assert (order.external_id, order.po_number, order.channel) == ("order:D1", "PO-7", "file")
    assert [(line.quantity, line.unit_price_minor) for line in order.lines] == [(3, 1_999)]
    assert erp.files("in") == [] and erp.files("in/archive") == ["ORD_20260105_0001.csv"]
    assert erp.written("ACK") == [["K", "order:D1", "ORD", "A", order.id, order.number, "", "", "20260105220000"]]
    assert ["S", order.id, order.number, "order:D1", "103", "PO-7", "PASSED", "OPEN", "OPEN", "20260105220000"] in (
        erp.written("OST")
    )


def test_what_arrives_in_the_last_minutes_waits_for_the_next_window(erp):
    erp.until(at(3, 46, day=6))
    erp.put("a.csv", csv_order("order:LATE", 1))
    erp.until(at(4, 0, day=6))
    assert _orders(erp) == []
    assert "OIT" in {name[:3] for name in erp.files("out")} and erp.written("OIT") == []  # the list comes, empty
    erp.until(at(22, 0, day=6))
    assert [order.external_id for order in _orders(erp)] == ["order:LATE"]


def test_around_the_clock_the_inbox_is_worked_every_few_minutes(install):
    erp = install(batch=Batch(window=None, every_minutes=5))
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.until(erp.clock.us + 4 * MINUTE_US)
    assert _orders(erp) == []
    erp.until(erp.clock.us + MINUTE_US)
    assert len(_orders(erp)) == 1


def test_the_window_is_on_the_servers_clock(install):
    erp = install(batch=Batch(utc_offset_minutes=120))
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.until(at(20, 0))
    assert len(_orders(erp)) == 1
    assert erp.written("ACK")[0][-1] == "20260105220000"


@pytest.mark.parametrize(
    ("window", "every", "cut_off"),
    [(("22:00", "25:00"), 15, 10), (("22", "04:00"), 15, 10), (("22:00", "22:10"), 5, 10)],
)
def test_a_window_that_leaves_no_time_is_refused_with_the_remedy(window, every, cut_off):
    with pytest.raises(ValueError, match="write"):
        Batch(window=window, every_minutes=every, cut_off_minutes=cut_off)


# --- complete or not --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tmp", ".part", ".filepart"])
def test_a_file_that_is_still_being_written_is_left_alone(erp, suffix):
    erp.put(f"a.csv{suffix}", csv_order("order:D1", 1)[:40])
    erp.night()
    assert erp.files("in") == [f"a.csv{suffix}"] and erp.files("in/error") == []


def test_with_markers_a_file_is_taken_only_when_its_marker_is_there(install):
    erp = install(completion="done-marker")
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    assert _orders(erp) == []
    erp.put("a.csv.done", b"")
    erp.night()
    assert len(_orders(erp)) == 1
    assert erp.files("in") == []
    # Its own files get a marker each.
    out = erp.files("out")
    assert out and all(name.endswith(".done") or f"{name}.done" in out for name in out)


# --- formats ----------------------------------------------------------------------------------------


def test_fixed_width_and_delimited_files_say_the_same(erp):
    erp.put("a.csv", csv_order("order:CSV", 1))
    erp.put("b.dat", fixed_order("order:FIX", 2))
    erp.night()
    csv, fixed = _orders(erp)
    assert fixed.external_id == "order:FIX"
    assert [(li.item_id, li.quantity, li.unit_price_minor) for li in csv.lines] == [
        (li.item_id, li.quantity, li.unit_price_minor) for li in fixed.lines
    ]


def test_outbound_files_come_fixed_width_where_the_installation_says_so(install):
    erp = install(file_format="fixed")
    erp.do(erp.erp.load())
    (name,) = [name for name in erp.files("out") if name.startswith("MST")]
    head, row, end = erp.file(f"out/{name}").splitlines()
    assert head == f"00MST{2:015d}ERPPROD     20260105080000"
    assert row[:2] == "35" and row[2:12].strip() == "103" and row[12:32].strip() == "K-1"
    assert row[32:92].rstrip() == "Müller & Söhne GmbH"
    assert row[92:113] == "EUR030" + "00000000100000{"
    assert end == f"90{1:09d}{30:015d}" + "00000000000100000{"


def test_a_delimiter_inside_a_text_is_quoted_both_ways(erp):
    body = (
        "HDR|CUS|1|SHOP|20260105120000\n"
        'C|customer:A1||K-2|"Rohr|Stahl ""Nord"" AG"|EUR|45|5000.00|a@b.example\n'
        "TRL|1|45|5000.00\n"
    )
    erp.put("a.csv", body)
    erp.night()
    customer = erp.core.state.customers[erp.erp.customer_numbers["K-2"]]
    assert (customer.name, customer.terms_days, customer.credit_limit_minor) == ('Rohr|Stahl "Nord" AG', 45, 500_000)
    (name,) = [name for name in erp.files("out") if name.startswith("MST")]
    assert '"Rohr|Stahl ""Nord"" AG"' in erp.file(f"out/{name}")


# --- refused whole ----------------------------------------------------------------------------------

_GOOD = csv_order("order:D1", 1)


@pytest.mark.parametrize(
    ("text", "line", "code", "said"),
    [
        (_GOOD.replace("TRL|2", "TRL|3"), 4, "TOTALS", "RECORDS says 3"),
        (_GOOD.replace("|5|19.99", "|6|19.99"), 4, "TOTALS", "HASH_TOTAL says 6, the records add up to 5"),
        (_GOOD.replace("TRL|2|5|19.99", "TRL|2|5|19.98"), 4, "TOTALS", "CONTROL_TOTAL says 19.98"),
        (_GOOD[: _GOOD.index("TRL")], 4, "TRAILER-MISSING", "without a trailer"),
        (_GOOD[:60], 2, "FIELD", "fields"),
        (_GOOD + "L|2|WIDGET|1|EA|1.00\r\n", 5, "AFTER-TRAILER", "after the trailer"),
        (_GOOD.replace("HDR|ORD", "HDR|XYZ"), 1, "FILE-TYPE", "XYZ"),
        (_GOOD.replace("HDR|", "\ufeffHDR|", 1), 1, "HEADER", "HDR"),
        (_GOOD.replace("L|1|WIDGET|3", "L|1|WIDGET|three"), 3, "FIELD", "QTY"),
        (_GOOD.replace("L|1|WIDGET|3", "L|1|WIDGET|-3"), 3, "FIELD", "QTY"),
        (_GOOD.replace("19.99\r\nTRL", "19.999\r\nTRL"), 3, "FIELD", "PRICE"),
        (_GOOD.replace("20260105|EUR", "20260230|EUR"), 2, "FIELD", "ORD_DATE"),
        (_GOOD.replace("H|order:D1", "H|"), 2, "FIELD", "REF: is empty"),
        (_GOOD.replace("H|order:D1", "Q|order:D1"), 2, "RECORD-TYPE", "'Q'"),
        (_GOOD.replace("WIDGET", '"WIDGET'), 3, "QUOTES", ""),
        ("", 1, "EMPTY", "no records"),
    ],
)
def test_a_file_that_does_not_hold_is_refused_whole_with_line_and_reason(erp, text, line, code, said):
    erp.put("a.csv", text.encode("utf-8"))
    erp.night()
    assert _orders(erp) == [] and erp.files("in") == [] and erp.files("in/archive") == []
    assert erp.files("in/error") == ["a.csv", "a.csv.rej"]
    name, at_line, why, reason = erp.file("in/error/a.csv.rej").strip().split("|", 3)
    assert (name, at_line, why) == ("a.csv", str(line), code)
    assert said in reason
    (entry,) = erp.journal("file.take")
    assert (entry.status, entry.path) == (422, "/in/a.csv")


@pytest.mark.parametrize(
    ("spoil", "line", "code"),
    [
        (lambda t: t.replace("{", "?").replace("I", "?"), 3, "FIELD"),
        (lambda t: t.replace("1260105 ", "20260105"), 2, "FIELD"),
        (lambda t: t.replace("\r\n90", "x\r\n90"), 3, "FIELD"),
        (lambda t: t[: t.index("\r\n90")], 4, "TRAILER-MISSING"),
        (lambda t: t.replace("000000003", "000000004", 1), 4, "TOTALS"),
    ],
)
def test_a_spoiled_fixed_width_file_names_its_line(erp, spoil, line, code):
    erp.put("a.dat", spoil(fixed_order("order:D1", 1)))
    erp.night()
    assert erp.file("in/error/a.dat.rej").split("|")[1:3] == [str(line), code]
    assert _orders(erp) == []


def test_a_byte_outside_the_encoding_is_named_by_its_line(erp):
    erp.put("a.csv", _GOOD.encode("cp1252").replace(b"PO-7", b"PO-\x81"))
    erp.night()
    assert erp.file("in/error/a.csv.rej").startswith("a.csv|2|ENCODING|byte 0x81")


def test_a_file_with_an_unknown_suffix_is_refused(erp):
    erp.put("orders.xlsx", b"PK")
    erp.night()
    assert "FILE-NAME" in erp.file("in/error/orders.xlsx.rej")


def test_one_bad_order_in_a_good_file_is_refused_alone(erp):
    body = (
        "HDR|ORD|1|SHOP|20260105120000\n"
        "H|order:BAD|K-9|PO-1|20260105|EUR|1\nL|1|WIDGET|1|EA|1.00\n"
        "H|order:GOOD|K-1|PO-2|20260105|EUR|1\nL|1|WIDGET|2|EA|2.00\n"
        "TRL|4|7|3.00\n"
    )
    erp.put("a.csv", body)
    erp.night()
    assert [order.external_id for order in _orders(erp)] == ["order:GOOD"]
    bad, good = erp.written("ACK")
    assert bad[1:4] == ["order:BAD", "ORD", "R"] and bad[6] == "UNKNOWN-CUSTOMER" and "K-9" in bad[7]
    assert good[1:4] == ["order:GOOD", "ORD", "A"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (csv_order("r", 1, sku="NOPE"), "UNKNOWN-ITEM"),
        (csv_order("r", 1, quantity=0), "BAD-QUANTITY"),
        (csv_order("r", 1).replace("|EUR|1", "|USD|1"), "WRONG-CURRENCY"),
        (csv_order("r", 1).replace("|EUR|1", "|EUR|2").replace("TRL|2|5", "TRL|2|6"), "LINE-COUNT"),
    ],
)
def test_a_business_refusal_comes_as_an_acknowledgement_with_its_code(erp, order, code):
    erp.put("a.csv", order)
    erp.night()
    assert [row[3] for row in erp.written("ACK")] == ["R"]
    assert erp.written("ACK")[0][6] == code
    assert _orders(erp) == [] and erp.journal("file.order")[0].status == 422


def test_an_order_over_the_limit_is_taken_and_acknowledged_as_held(erp):
    erp.put("a.csv", csv_order("order:BIG", 1, quantity=900))
    erp.night()
    (row,) = erp.written("ACK")
    assert row[3] == "H" and "limit" in row[7]
    assert any(status[6] == "HOLD" for status in erp.written("OST"))


# --- duplicates -------------------------------------------------------------------------------------


def test_the_same_file_number_again_is_refused(erp):
    erp.put("a.csv", csv_order("order:D1", 7))
    erp.night()
    erp.put("a_copy.csv", csv_order("order:D1", 7))
    erp.night()
    assert len(_orders(erp)) == 1
    assert erp.file("in/error/a_copy.csv.rej").split("|")[2] == "DUPLICATE-FILE"
    assert [entry.status for entry in erp.journal("file.take")] == [200, 409]


def test_a_refused_files_number_is_not_used_up(erp):
    erp.put("a.csv", csv_order("order:D1", 7).replace("TRL|2", "TRL|9"))
    erp.night()
    erp.put("a.csv", csv_order("order:D1", 7))
    erp.night()
    assert len(_orders(erp)) == 1


@pytest.mark.parametrize(("odd", "orders"), [(False, 1), (True, 2)])
def test_the_oddity_takes_a_files_number_for_nothing(install, odd, orders):
    erp = install(takes_duplicate_files=odd)
    for name in ("a.csv", "b.csv"):
        erp.put(name, csv_order("order:D1", 7))
    erp.night()
    assert len(_orders(erp)) == orders


@pytest.mark.parametrize(("odd", "orders", "answers"), [(True, 2, ["A", "A"]), (False, 1, ["A", "D"])])
def test_the_oddity_enters_a_reference_twice(install, odd, orders, answers):
    erp = install(takes_duplicate_references=odd)
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.put("b.csv", csv_order("order:D1", 2))
    erp.night()
    assert len(_orders(erp)) == orders
    assert [row[3] for row in erp.written("ACK")] == answers


@pytest.mark.parametrize(("odd", "made"), [(True, 2), (False, 1)])
def test_a_receipt_and_a_customer_with_a_known_reference_are_entered_again_only_with_the_oddity(install, odd, made):
    erp = install(takes_duplicate_references=odd)
    for number in (1, 2):
        erp.put("p.csv", f"HDR|PAY|{number}|SHOP|20260105120000\nP|cash:1|K-1||5.00|EUR|B1\nTRL|1|0|5.00\n")
        erp.put("c.csv", f"HDR|CUS|{number}9|SHOP|20260105120000\nC|customer:1|||Neu|EUR|||\nTRL|1|0|0.00\n")
        erp.night()
    assert len(erp.core.state.payments) == made and len(erp.core.state.customers) == 1 + made
    assert [row[3] for row in erp.written("ACK")] == (["A"] * 4 if odd else ["A", "A", "D", "D"])


@pytest.mark.parametrize(("odd", "orders"), [(False, 0), (True, 1)])
def test_the_oddity_works_records_before_it_has_seen_the_trailer(install, odd, orders):
    erp = install(works_before_the_trailer=odd)
    erp.put("a.csv", csv_order("order:D1", 1).replace("TRL|2", "TRL|9"))
    erp.night()
    assert len(_orders(erp)) == orders
    assert erp.files("in/error") == ["a.csv", "a.csv.rej"]


def test_late_acknowledgements_come_with_the_next_window(install):
    erp = install(late_acknowledgements=True)
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    assert len(_orders(erp)) == 1 and erp.written("ACK") == []
    erp.until(at(22, 0, day=6))
    assert [row[1] for row in erp.written("ACK")] == ["order:D1"]


def test_numbers_are_without_gaps_unless_the_oddity_skips_some(install):
    plain, odd = install(), install(skips_number_every=2)
    for erp in (plain, odd):
        for n in range(3):
            erp.put("a.csv", csv_order(f"order:{n}", n))
            erp.night()
    numbers = [[int(name.split("_")[2][:6]) for name in erp.files("out")] for erp in (plain, odd)]
    assert sorted(numbers[0]) == list(range(1, len(numbers[0]) + 1))
    assert all(number % 2 for number in numbers[1]) and len(numbers[1]) == len(numbers[0])


# --- out --------------------------------------------------------------------------------------------


def test_deliveries_invoices_and_open_items_come_as_files(erp):
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    (order,) = _orders(erp)
    delivery = erp.core.deliver(order.id, tracking="1Z999")
    erp.put("b.csv", f"HDR|BIL|2|SHOP|20260106120000\nB|bill:1|{order.number}\nTRL|1|0|0.00\n")
    erp.night()
    (invoice,) = erp.core.state.invoices.values()
    assert erp.written("SHP") == [
        ["D", delivery.id, delivery.number, order.id, "1Z999", "20260106040000"],
        ["E", "1", "WIDGET", "3"],
    ]
    ((tag, *cells),) = erp.written("INV")
    assert (tag, cells[0], cells[1], cells[2]) == ("V", invoice.id, invoice.number, order.id)
    assert cells[3:9] == ["103", "20260106", "20260205", "59.97", "59.97", "EUR"]
    assert cells[9:] == ["bill:1", "20260106220000"]
    assert [row[1:6] for row in erp.written("OIT")] == [[invoice.id, invoice.number, "103", "20260205", "59.97"]]
    erp.put(
        "c.csv",
        f"HDR|PAY|3|SHOP|20260107120000\nP|cash:1|K-1|20260107|59.97|EUR|B1\nA|{invoice.number}|59.97\nTRL|2|0|119.94\n",
    )
    erp.night()
    assert invoice.open_minor == 0
    (payment,) = erp.core.state.payments.values()
    assert (payment.reference, payment.external_id, payment.unapplied_minor) == ("B1", "cash:1", 0)
    assert [row[8] for row in erp.written("INV")] == ["59.97", "0.00"]


def test_billing_is_asked_for_once_or_done_by_night(install):
    erp = install(night_billing=True)
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    (order,) = _orders(erp)
    erp.core.deliver(order.id)
    erp.night()
    (invoice,) = erp.core.state.invoices.values()
    assert invoice.channel == "batch"
    erp.put("b.csv", f"HDR|BIL|2|SHOP|20260106120000\nB|bill:1|{order.number}\nTRL|1|0|0.00\n")
    erp.night()
    assert erp.written("ACK")[-1][3:7] == ["D", "", "", "NOTHING-TO-BILL"]
    assert len(erp.core.state.invoices) == 1


def test_an_outbound_file_can_be_asked_for_again(erp):
    erp.do(erp.erp.load())
    names = erp.files("out")
    for name in names:
        erp.do(erp.erp.media.folder.remove(f"out/{name}"))
    erp.put("r.csv", "HDR|REQ|1|SHOP|20260105120000\nR|again:1|1\nR|again:99|99\nTRL|2|0|0.00\n")
    erp.night()
    assert names[0] in [*erp.files("out")] or any(name.endswith("000001.csv") for name in erp.files("out"))
    answers = {row[1]: row[3] for row in erp.written("ACK")}
    assert answers == {"again:1": "A", "again:99": "R"}


# --- faults -----------------------------------------------------------------------------------------


def test_a_lost_inbound_file_leaves_no_trace_but_in_the_journal(erp):
    erp.arm(LostFile(operations=("file.take",)))
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    assert _orders(erp) == []
    assert [erp.files(place) for place in ("in", "in/archive", "in/error")] == [[], [], []]
    (entry,) = erp.journal("file.take")
    assert (entry.status, entry.fault) == (404, "lost-file")


def test_a_half_inbound_file_is_refused_and_may_come_again(erp):
    number = erp.arm(HalfWrittenFile(operations=("file.take",), next=1))
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    assert _orders(erp) == [] and "a.csv.rej" in erp.files("in/error")
    assert erp.server.faults.remove(number)
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.night()
    assert len(_orders(erp)) == 1


def test_a_duplicated_inbound_file_meets_the_check_of_its_number(install):
    for odd, orders in ((False, 1), (True, 2)):
        erp = install(takes_duplicate_files=odd)
        erp.arm(DuplicatedFile(operations=("file.take",), next=1))
        erp.put("a.csv", csv_order("order:D1", 1))
        erp.night()
        assert len(_orders(erp)) == orders


def test_an_outbound_file_may_be_lost_and_its_number_is_missing(erp):
    erp.arm(LostFile(operations=("file.write",), next=1))
    erp.do(erp.erp.load())
    assert [int(name.split("_")[2][:6]) for name in erp.files("out")] == [3, 2] or len(erp.files("out")) == 2
    assert {int(name.split("_")[2][:6]) for name in erp.files("out")} == {2, 3}


def test_an_outbound_file_may_be_seen_half_before_it_is_whole(erp):
    erp.arm(HalfWrittenFile(operations=("file.write",), next=1, whole_after_s=600.0))
    erp.do(erp.erp.load())
    (name,) = [name for name in erp.files("out") if name.startswith("ITM")]
    assert "TRL" not in erp.file(f"out/{name}")
    before = erp.clock.us
    erp.later()
    assert erp.clock.us - before == 10 * MINUTE_US
    assert erp.file(f"out/{name}").splitlines()[-1].startswith("TRL|2|")


def test_an_outbound_file_may_come_twice(erp):
    erp.arm(DuplicatedFile(operations=("file.write",), next=1))
    erp.do(erp.erp.load())
    one, two = [name for name in erp.files("out") if name.startswith("ITM")]
    assert erp.file(f"out/{one}") == erp.file(f"out/{two}")


def test_while_the_share_is_away_nothing_is_taken_and_nothing_is_forgotten(erp):
    hours = 3_600
    erp.arm(ConnectionRefused(until_s=15 * hours))  # until 23:00
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.until(at(22, 45))
    assert _orders(erp) == [] and erp.files("out") == []
    erp.until(at(23, 0))
    assert len(_orders(erp)) == 1
    assert {name[:3] for name in erp.files("out")} >= {"ITM", "MST", "ACK", "OST"}


def test_a_maintenance_window_in_the_middle_of_a_round_loses_no_document(erp):
    erp.arm(MaintenanceWindow(operations=("file.write",), until_s=15 * 3_600))
    erp.put("a.csv", csv_order("order:D1", 1))
    erp.until(at(22, 45))
    assert len(_orders(erp)) == 1 and erp.written("ACK") == []
    erp.until(at(23, 0))
    assert [row[1] for row in erp.written("ACK")] == ["order:D1"]
