"""Whether the customer behind an account is in the ERP already, as far as the design's matching can tell.

What the engine remembers of accounts for that are hashes of names and of parts of them: the journal outlives the
accounts. Where names must be compared and not only found equal, they are read from the CRM again.
"""

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from o2c_twin.integration.match.party_blocks import rarity_of
from o2c_twin.integration.match.party_keys import PartyKeys, PartyRecord, keys_of, name_words
from o2c_twin.integration.model import Inbound, Party
from o2c_twin.integration.runtime.cases import case_id_of
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.integration.runtime.errors import DeadLetter, Parked
from o2c_twin.integration.store import Effect

if TYPE_CHECKING:
    from o2c_twin.integration.match.party_match import Judgement

# Few designs compare names: what compares them is loaded with the first pair.

ANOTHER = "another customer"
"""A person's answer when the two accounts in question are two customers; otherwise it is the ERP's id."""

_KEY = "same:"
_MOST_IN_BLOCK = 25
_BY_NAME = ("name", "normalised")
_IDS = msgspec.json.Decoder(list[str])


async def same_customer(engine: Engine, event: Inbound, party: Party) -> str | None:
    """The ERP's id of the customer an account is; None when it is a new one.

    Raises `Parked` while a person is asked.
    """
    matching, erp = engine.profile.matching, engine.erp
    if matching == "exact-key" and party.number is not None:
        number = party.number
        correlation = f"customer:{number}"
        return await engine.delivery.read(erp.system, correlation, lambda: erp.customer_by_number(number, party.entity))
    if matching in _BY_NAME:
        first = engine.journal.remote(erp.system, "same-name", _hashed(_name(matching, party)))
        return None if first is None else engine.journal.remote(erp.system, "customer", first)
    return await _by_evidence(engine, event, party) if matching == "probabilistic" else None


def remember(engine: Engine, party: Party) -> None:
    """Remember an account as one that others may turn out to be the same customer as."""
    matching, journal, system = engine.profile.matching, engine.journal, engine.erp.system
    if matching in _BY_NAME:
        name = _hashed(_name(matching, party))
        if journal.remote(system, "same-name", name) is None:
            journal.link(system, "same-name", name, party.crm_id)
    elif matching == "probabilistic":
        with journal.together():
            for block in _blocks(_keys(party)):
                members = _members(engine, block)
                if party.crm_id not in members:
                    journal.link(system, "block", block, msgspec.json.encode([*members, party.crm_id]).decode())


def suggestion_of(engine: Engine, key: str) -> tuple[str, str] | None:
    """Of the effect a person is asked about: the account it may be the same customer as, and the ERP's id of that."""
    effect = engine.journal.effect(key) if key.startswith(_KEY) else None
    return None if effect is None or effect.result is None else (effect.correlation, effect.result)


def _name(matching: str, party: Party) -> str:
    if matching == "name":
        return " ".join(party.name.split()).casefold()
    return " ".join(sorted(name_words(party.name)[0]))


# --- by evidence -----------------------------------------------------------------------------------


async def _by_evidence(engine: Engine, event: Inbound, party: Party) -> str | None:
    key, journal = f"{_KEY}{party.crm_id}", engine.journal
    answer = journal.outcome(key)
    if answer is not None:
        return None if answer == ANOTHER else answer
    question = journal.effect(key)
    if question is not None and question.state == "dead":
        raise Parked(key)
    case = journal.case(case_id_of(event, key))
    if case is not None and case.state != "open":
        # Closed or replayed without an answer: nobody says they are one.
        journal.record(key, ANOTHER, engine.clock.now())
        journal.settle(key, ANOTHER)
        return None
    found = await _likeliest(engine, party)
    if found is None:
        return None
    from o2c_twin.integration.match.party_match import Verdict

    account, erp_id, judgement = found
    if judgement.verdict is Verdict.AUTOMATIC:
        return erp_id
    if not engine.careful:
        return None
    reasons = ", ".join(f"{each.field} {each.says}" for each in judgement.reasons)
    letter = DeadLetter(key, f"may be the same customer as {account} ({erp_id}): {reasons}", "divergence")
    now = engine.clock.now()
    asked = Effect(key, engine.erp.system, "decide", b"", account, event.lane, "sent", erp_id, 1, now, now, None)
    # The case first: who finds the question on record waits for somebody to be asked.
    engine.open_case(msgspec.structs.replace(event, flow="customer", object_id=party.crm_id), letter)
    with journal.together():
        journal.intend(asked)
        journal.give_up(key)
    raise Parked(key)


async def _likeliest(engine: Engine, party: Party) -> "tuple[str, str, Judgement] | None":
    """The account that most likely is the same customer, with its ERP id and why; None when none is likely."""
    from o2c_twin.integration.match.party_match import Verdict, judge

    journal, crm, system = engine.journal, engine.crm, engine.erp.system
    mine = _keys(party)
    accounts = dict.fromkeys(id_ for block in _blocks(mine) for id_ in _members(engine, block))
    known = {id_: erp_id for id_ in accounts if (erp_id := journal.remote(system, "customer", id_)) is not None}
    others = []
    for id_ in known:
        if id_ != party.crm_id:
            read = partial(crm.party, id_)
            others.append(_keys(await engine.delivery.read(crm.system, f"party:{id_}", read)))
    rarity = rarity_of([mine, *others])
    judged = [(judge(mine, other, rarity), other.id) for other in others]
    likely = [pair for pair in judged if pair[0].verdict is not Verdict.DIFFERENT]
    if not likely:
        return None
    best, account = min(likely, key=lambda pair: (-pair[0].bits, pair[1]))
    return account, known[account], best


def _keys(party: Party) -> PartyKeys:
    return keys_of(PartyRecord(party.crm_id, party.name, party.number, email=party.email))


def _blocks(keys: PartyKeys) -> list[str]:
    return [_hashed(text) for text in dict.fromkeys(_block_texts(keys))]


def _block_texts(keys: PartyKeys) -> Iterator[str]:
    if keys.number is not None:
        yield f"number:{keys.number}"
    if keys.domain is not None:
        yield f"domain:{keys.domain}"
    yield f"name:{''.join(sorted(keys.words))}"
    yield f"joined:{''.join(keys.words)[:8]}"
    for word in sorted(keys.words, key=lambda word: (-len(word), word))[:3]:
        yield f"start:{word[:5]}"


def _members(engine: Engine, block: str) -> list[str]:
    known = engine.journal.remote(engine.erp.system, "block", block)
    # What many share says little, and each of them would be read.
    return [] if known is None else _IDS.decode(known)[:_MOST_IN_BLOCK]


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
