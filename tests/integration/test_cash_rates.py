"""How much of a sample of mangled receipts the ladder applies rightly, and how little wrongly."""

import importlib.util
import random
import sys
from pathlib import Path


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


mangled_receipts, cash_score = _beside("mangled_receipts"), _beside("cash_score")


def _score(policy, count):
    score, today = cash_score.Score(), mangled_receipts.TODAY.isoformat()
    for ledger, truth in mangled_receipts.receipts(random.Random(7).random, count):
        cash_score.add(score, cash_score.decide(ledger, truth, cash_score.LADDER[policy], today), truth)
    return score


def test_the_whole_ladder_keeps_what_is_promised():
    # The rate differs by some 0.3 points from draw to draw; benchmarks/bench_cash.py takes a seed.
    score = _score("+ amount, combination", 10_000)
    assert score.right / score.payments >= 0.92
    assert score.wrong / score.payments <= 0.001
    assert score.lines_right / score.lines >= 0.92


def test_every_rung_adds_right_payments_and_none_posts_wrongly_for_it():
    scores = [_score(policy, 1_000) for policy in cash_score.LADDER]
    right = [score.right for score in scores]
    assert right == sorted(set(right))
    assert max(score.wrong for score in scores) <= 1


def test_the_same_draws_give_the_same_receipts():
    first, again = (list(mangled_receipts.receipts(random.Random(3).random, 50)) for _ in range(2))
    assert first == again
