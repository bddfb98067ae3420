"""A scenario file says what it means, or says file, line and column of what is wrong, with the remedy."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.profile import AXES, DesignProfile
from o2c_twin.mock_systems.wire.faults import CATALOGUE, LostReply, MaintenanceWindow, ReorderedWebhook
from o2c_twin.scenarios import ScenarioError, load

HEAD = "title: A test\nstory: It happens.\n"


@pytest.fixture
def read(tmp_path):
    """`read(text)` loads the text as the file mine.yaml."""

    def read(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path)

    return read


def problems(read, text):
    with pytest.raises(ScenarioError) as caught:
        read(text)
    return [problem.rpartition("/")[2] for problem in caught.value.problems]


def test_a_file_with_a_title_and_a_story_takes_all_else_from_the_defaults(read):
    scenario = read(HEAD)
    plan = scenario.plan()
    assert (scenario.name, scenario.title, scenario.story) == ("mine", "A test", "It happens.")
    assert (plan.seed, plan.world.orders, plan.world.days) == (7, 5_000, 365)
    assert plan.design.topology == "hub"


def test_a_file_may_set_everything(read):
    scenario = read(
        """
name: all-of-it
title: All of it
story: >
  Two lines
  of one paragraph.

  And another.
seed: 11
orders: 200
days: 30
drain_days: 20
design: {topology: manual, matching: off}
naive: {partials: first-only}
world: {start: 2026-03-02, currency: CHF, duplicate_accounts: 0.1, credit_check_at_delivery: true, customers: 9}
systems:
  crm: {vendor: salesforce, plan: developer, latency_s: 0}
  erp:
    plan: standard
    licences: 2
    faults:
      - {fault: lost-reply, probability: 0.5, operations: [salesorder.*, invoice], next: 3}
      - {fault: maintenance, from_day: 2, until_day: 2.5}
  bank:
    faults: [{fault: reordered-webhook, delay_s: 90, until_s: 3600}]
rhythm: {poll_s: 60, nightly_hour_utc: 3}
expect:
  - {violation: won deal is ordered once, naive: "> 0", recommended: "= 0"}
  - {kpi: order_to_cash, naive: ">= recommended"}
"""
    )
    plan = scenario.plan()
    assert scenario.story == "Two lines of one paragraph.\nAnd another."
    assert (plan.name, plan.seed) == ("all-of-it", 11)
    assert (plan.world.orders, plan.world.days, plan.world.drain_days) == (200, 30, 20)
    assert (plan.world.start, plan.world.currency, plan.world.customers) == (date(2026, 3, 2), "CHF", 9)
    assert plan.world.credit_check_at_delivery is True
    assert plan.design == DesignProfile(topology="manual", matching="off")
    crm, erp, bank = (plan.systems[role] for role in ("crm", "erp", "bank"))
    assert (crm.plan, crm.latency_s, erp.plan, erp.licences) == ("developer", 0.0, "standard", 2)
    assert erp.faults == (
        LostReply(probability=0.5, operations=("salesorder.*", "invoice"), next=3),
        MaintenanceWindow(from_s=172_800.0, until_s=216_000.0),
    )
    assert bank.faults == (ReorderedWebhook(delay_s_=90.0, until_s=3_600.0),)
    assert (plan.rhythm.poll_s, plan.rhythm.nightly_hour_utc, plan.rhythm.sweep_s) == (60.0, 3, 21_600.0)
    assert [(e.kind, e.subject, str(e.naive)) for e in scenario.expect] == [
        ("violation", "won deal is ordered once", "> 0"),
        ("kpi", "order_to_cash", ">= recommended"),
    ]


def test_a_file_that_extends_another_changes_only_what_it_names(read):
    base = load("lost-replies")
    scenario = read("extends: lost-replies\nseed: 3\nsystems: {crm: {latency_s: 1}}\nworld: {items: 5}\n")
    assert (scenario.name, scenario.extends, scenario.seed) == ("mine", "lost-replies", 3)
    assert (scenario.title, scenario.story, scenario.naive) == (base.title, base.story, base.naive)
    assert scenario.systems["erp"] == base.systems["erp"]
    assert scenario.systems["crm"].latency_s == 1.0
    assert (scenario.world.items, scenario.world.orders) == (5, base.world.orders)
    assert scenario.expect == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the file as a whole
        ("", ["mine.yaml: is empty; write at least a title"]),
        ("- a\n- b\n", ["mine.yaml:1:1: the scenario must hold 'name: value' lines"]),
        ("title: A\n", ["mine.yaml:1:1: no 'story'; say what happens"]),
        ("title: ''\nstory: x\n", ["mine.yaml:1:8: title is empty; write some text"]),
        ("title: a: b\nstory: x\n", ["mine.yaml:1:9: not YAML: mapping values are not allowed here; put a text"]),
        ("title: 'a\nstory: x\n", ["not YAML: found unexpected end of stream; close the quote or bracket"]),
        ("title: a\n\tstory: x\n", ["mine.yaml:2:1: not YAML", "indent with spaces"]),
        ("a: b\n---\nc: d\n", ["mine.yaml:2:1: not YAML: but found another document; keep one scenario a file"]),
        ("title: *x\n", ["mine.yaml:1:8: not YAML: found undefined alias 'x'; write the value itself"]),
        (b"title: \x00\nstory: x\n", ["mine.yaml:1: not text: character #x0000; remove it"]),
        (b"title: \xff\n", ["mine.yaml: not UTF-8 text (byte 7); save the file as UTF-8"]),
        # keys
        (HEAD + "desing: {}\n", ["mine.yaml:3:1: unknown key 'desing' in the scenario; did you mean 'design'?"]),
        (HEAD + "orders: 5\nseed: 1\norders: 6\n", ["mine.yaml:5:1: 'orders' is given twice", "first in line 3"]),
        (HEAD + "delivery: naive-retry\n", ["3:1: 'delivery' does not stand in the scenario; put it under 'design'"]),
        (HEAD + "poll_s: 60\n", ["3:1: 'poll_s' does not stand in the scenario; put it under 'rhythm'"]),
        (HEAD + "world: {orders: 5}\n", ["3:9: 'orders' does not stand in 'world'; put it at the top of the file"]),
        (HEAD + '"a\\n\\e[31m": 1\n', ["mine.yaml:3:1: unknown key 'a  [31m' in the scenario"]),
        (HEAD + f"orders: {'9' * 70}\n", [f"orders is '{'9' * 57}...'; write a whole number"]),
        (HEAD + "? [a]\n: b\n", ["mine.yaml:3:3: a key of the scenario must be one word"]),
        (HEAD + "world:\n", ["mine.yaml:3:7: 'world' must hold 'name: value' lines; there are: start, currency"]),
        # name
        (HEAD + "name: My scenario\n", ["3:7: name is 'My scenario'; write a short name of small letters"]),
        # numbers
        (HEAD + "orders: many\n", ["mine.yaml:3:9: orders is 'many'; write a whole number from 1 to"]),
        (HEAD + "orders: 0\n", ["mine.yaml:3:9: orders is '0'; write a whole number from 1 to"]),
        (HEAD + "orders: 10.5\n", ["mine.yaml:3:9: orders is '10.5'; write a whole number"]),
        (HEAD + "seed: -1\n", ["mine.yaml:3:7: seed is '-1'; write a whole number from 0"]),
        (HEAD + "days:\n", ["mine.yaml:3:6: days is empty; write a whole number from 1"]),
        (HEAD + "days: [1]\n", ["mine.yaml:3:7: days is a list; write a whole number"]),
        # axes
        (HEAD + "design: {delivry: x}\n", ["3:10: unknown key 'delivry' in 'design'; did you mean 'delivery'?"]),
        (HEAD + "design: {topology: hbu}\n", ["3:20: design.topology: no value 'hbu'; did you mean 'hub'?"]),
        (HEAD + "naive: {matching:}\n", [f"naive.matching: no value given; there are: {', '.join(AXES['matching'])}"]),
        (HEAD + "design: {topology: [hub]}\n", ["mine.yaml:3:20: design.topology: no value given; there are: manual"]),
        # world
        (HEAD + "world: {duplicate_acounts: 0.1}\n", ["3:9: unknown key 'duplicate_acounts'", "'duplicate_accounts'"]),
        (HEAD + "world: {duplicate_accounts: 15 %}\n", ["3:29: world.duplicate_accounts is '15 %'", "(15 % is 0.15)"]),
        (HEAD + "world: {duplicate_accounts: 15}\n", ["3:29: world.duplicate_accounts is a share between 0 and 1"]),
        (HEAD + "world: {items: 0}\n", ["mine.yaml:3:16: world.items must be at least 1, not 0"]),
        (HEAD + "world: {items: -2, misfiled: 2}\n", ["3:16: world.items must be", "3:30: world.misfiled is a share"]),
        (HEAD + "world: {stock_cover_days: .nan}\n", ["3:27: world.stock_cover_days is '.nan'; write a number"]),
        (HEAD + "world: {stock_cover_days: .inf}\n", ["3:27: world.stock_cover_days is '.inf'; write a number"]),
        (
            HEAD + "world: {credit_check_at_delivery: 1}\n",
            ["world.credit_check_at_delivery is '1'; write true or false"],
        ),
        (HEAD + "world: {start: 1.2.26}\n", ["3:16: world.start is '1.2.26'; write a date such as 2026-01-31"]),
        (HEAD + "world: {currency: euro}\n", ["3:19: world.currency is 'euro'; write an ISO 4217 code such as EUR"]),
        (HEAD + "world: {foreign: USD}\n", ["3:18: world.foreign must hold 'name: value' lines; there are: EUR, USD"]),
        (HEAD + "world: {foreign: {USB: 0.1}}\n", ["unknown key 'USB' in world.foreign; did you mean 'USD'?"]),
        (HEAD + "world: {foreign: {USD: 30 %}}\n", ["world.foreign.USD is '30 %'; write a number", "(30 % is 0.3)"]),
        (HEAD + "world: {foreign: {EUR: 0.1}}\n", ["world.foreign no customers can buy in 'EUR'; there are: USD"]),
        (HEAD + "world: {foreign: {USD: 0.1}, rates: ecb}\n", ["3:8: world.rates: no rates 'ecb'; name a folder"]),
        (
            HEAD + "world: {foreign: {USD: 0.1}}\nsystems: {erp: {vendor: business_central}}\n",
            ["4:10: systems.erp: Business Central's API v2.0 posts", "choose netsuite, or leave out world.foreign"],
        ),
        (HEAD + "days: 2\nworld: {start: 2026-01-03}\n", ["mine.yaml:3:7: 2 days from 2026-01-03 hold no working day"]),
        (HEAD + "world: {start: 9999-12-31}\n", ["start 9999-12-31 is out of range; write a date from"]),
        # systems and faults
        (HEAD + "systems: {epr: {}}\n", ["3:11: unknown key 'epr' in 'systems'; did you mean 'erp'?"]),
        (HEAD + "systems: {erp: {vendor: sap}}\n", ["3:25: systems.erp.vendor: no value 'sap'; there are: netsuite"]),
        (HEAD + "systems: {erp: {plan: huge}}\n", ["systems.erp.plan: no value 'huge'; there are: standard, premium"]),
        (
            HEAD + "systems: {bank: {plan: big}}\n",
            ["3:24: systems.bank.plan: bank_iso20022 has no plans", "remove the line"],
        ),
        (HEAD + "systems: {erp: {latency_s: -1}}\n", ["systems.erp.latency_s is '-1'; write a number of at least 0"]),
        (HEAD + "systems: {erp: {faults: lost-reply}}\n", ["systems.erp.faults must be a list; write e.g. - fault:"]),
        (
            HEAD + "systems: {erp: {faults: [{fault: lost-replay}]}}\n",
            ["faults[1].fault: no value 'lost-replay'; did you mean"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{probability: 0.1}]}}\n",
            ["3:26: systems.erp.faults[1] has no 'fault'; name one"],
        ),
        (
            HEAD + "systems: {erp: {faults: [lost-reply]}}\n",
            ["3:26: systems.erp.faults[1] must hold 'name: value' lines"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: lost-reply, probabilty: 1}]}}\n",
            ["3:46: unknown key 'probabilty' in systems.erp.faults[1]; did you mean 'probability'?"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: lost-reply, status: 500}]}}\n",
            ["3:46: unknown key 'status' in systems.erp.faults[1]"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: lost-reply, probability: 3 %}]}}\n",
            ["probability is '3 %'; write a number from 0 to 1 (3 % is 0.03)"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: latency, next: 0}]}}\n",
            ["next is '0'; write a whole number of at least 1"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: latency, operations: orders}]}}\n",
            ["operations must be a list; write names in brackets, e.g. [one, two]"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: throttled, from_day: 3, until_day: 2}]}}\n",
            ["3:69: systems.erp.faults[1] ends before it begins; set 'until_day' after the start"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: throttled, from_day: 3, from_s: 2}]}}\n",
            ["3:45: systems.erp.faults[1] has both 'from_day' and 'from_s'; keep one of them"],
        ),
        (
            HEAD + "systems: {erp: {faults: [{fault: lost-reply, how: rest}]}}\n",
            ["3:51: systems.erp.faults[1].how is 'rest'; write reset or silent"],
        ),
        # rhythm, expectations, extends
        (HEAD + "rhythm: {poll_s: 0}\n", ["3:18: rhythm.poll_s is '0'; write a number above 0"]),
        (
            HEAD + "rhythm: {nightly_hour_utc: 24}\n",
            ["rhythm.nightly_hour_utc is '24'; write a whole number from 0 to 23"],
        ),
        (HEAD + "expect: {}\n", ["mine.yaml:3:9: 'expect' must be a list"]),
        (HEAD + "expect: [{kpi: x}]\n", ["3:10: expect[1] needs a kpi or a violation, and a side; write e.g. {kpi:"]),
        (HEAD + "expect: [{kpi: x, naive: none}]\n", ["3:26: expect[1].naive is 'none'; write e.g. \"> 0\""]),
        (HEAD + "expect: [{kpi: x, naive: '> naive'}]\n", ["expect[1].naive is '> naive'", '"> recommended"']),
        ("extends: tobe\n", ["mine.yaml:1:10: extends: no scenario 'tobe'; did you mean 'to-be'? there are: api-thro"]),
        ("extends:\n", ["mine.yaml:1:9: extends: no scenario ''; there are: "]),
    ],
)
def test_bad_input_is_named_with_file_line_column_and_remedy(read, text, expected):
    found = problems(read, text)
    for part in expected:
        assert any(part in problem for problem in found), found
    assert all("\n" not in problem for problem in found)


def test_all_problems_of_a_file_are_named_in_its_order(read):
    found = problems(read, "title: A\norders: x\nsystems: {erp: {faults: [{fault: no}]}}\nseed: y\nstroy: s\n")
    places = [problem.split(": ")[0] for problem in found]
    assert places == ["mine.yaml:1:1", "mine.yaml:2:9", "mine.yaml:3:34", "mine.yaml:4:7", "mine.yaml:5:1"]


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_field_of_every_fault_can_be_set_in_a_file(read, kind):
    for field in msgspec.structs.fields(kind):
        if field.name == "operations":
            continue
        value = field.default if field.default is not None else 1
        item = f"{{fault: {kind.__struct_config__.tag}, {field.encode_name}: {value}}}"
        text = HEAD + f"systems: {{erp: {{faults: [{item}]}}}}\n"
        assert getattr(read(text).systems["erp"].faults[0], field.name) == value


def test_a_file_name_that_is_no_scenario_name_asks_for_a_name(read):
    with pytest.raises(ScenarioError, match="no 'name', and the file's own name is 'My File'; write a short name"):
        read(HEAD, "My File.yaml")
    assert read(HEAD + "name: mine\n", "My File.yaml").name == "mine"


def test_a_nest_too_deep_is_a_problem_of_the_file(read):
    with pytest.raises(ScenarioError, match="nested too deeply"):
        read("a: " + "[" * 2_000)


def test_an_alias_that_holds_itself_is_no_endless_loop(read):
    assert problems(read, HEAD + "world: &w {start: *w}\n") == [
        "mine.yaml:3:8: world.start is empty; write a date such as 2026-01-31"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lost-reply", "no scenario 'lost-reply'; did you mean 'lost-replies'? there are: api-throttling, as-is,"),
        ("zzz", "no scenario 'zzz'; there are: api-throttling"),
        ("no/such.yaml", "no/such.yaml: cannot be read (No such file or directory); check the path"),
        ("a\0b.yaml", "is no path"),
        ("", "no scenario ''"),
    ],
)
def test_what_cannot_be_found_is_said_with_what_there_is(given, said):
    with pytest.raises(ScenarioError) as caught:
        load(given)
    assert said in str(caught.value)


def test_a_directory_is_no_scenario(tmp_path):
    with pytest.raises(ScenarioError, match=r"cannot be read \(Is a directory\); give the scenario file in it"):
        load(tmp_path)


@given(text=st.text(st.characters(codec="utf-8"), max_size=60), head=st.sampled_from(["", HEAD, HEAD + "world: "]))
def test_no_text_breaks_the_reader(text, head, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(head + text, encoding="utf-8")
    try:
        load(path)
    except ScenarioError as error:
        assert error.problems
        assert all(str(path) in problem and "\n" not in problem for problem in error.problems)
