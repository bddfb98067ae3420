"""The engine's log: a line of JSON each, that a machine can read whatever was said, and without secrets."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.service.live_log import JsonLog


def test_each_thing_said_is_a_line_with_event_level_and_instant():
    out = io.StringIO()
    log = JsonLog(out=out)
    log.info("synced", flow="order", tries=2)
    log.warning("case opened", case_id="ä\n1")
    log.error("event dropped", event_id=None)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("synced", "info"),
        ("case opened", "warning"),
        ("event dropped", "error"),
    ]
    assert lines[0]["flow"] == "order"
    assert lines[0]["tries"] == 2
    assert lines[1]["case_id"] == "ä\n1"
    at = datetime.fromisoformat(lines[0]["timestamp"])
    assert timedelta(0) <= datetime.now(UTC) - at < timedelta(minutes=1)


def test_secrets_are_masked_and_what_json_does_not_know_is_text():
    out = io.StringIO()
    log = JsonLog((Secret("configured", "hush-hush-1"),), out)
    log.error("stopped by an error", error="login with hush-hush-1 failed", amount=Decimal("1.50"), parts={"a"})
    assert "hush" not in out.getvalue()
    line = json.loads(out.getvalue())
    assert line["error"].startswith("login with ")
    assert line["amount"] == "1.50"
    assert line["parts"] == ["a"]


def test_nothing_said_can_take_the_place_of_another_line():
    out = io.StringIO()
    JsonLog(out=out).info("synced", object_id='1"}\n{"event": "forged')
    assert len(out.getvalue().splitlines()) == 1
