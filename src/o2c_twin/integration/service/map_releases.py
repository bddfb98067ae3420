"""Field maps take effect by a release: proposed, tried on the past, approved by somebody else, kept in the journal.

A release is all the company's own map files at once; "" stands for the shipped maps before there was any. The journal's
word counts: what the configuration names is taken into use once, at the first start on a journal.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from o2c_twin.integration.connectors.own_maps import OwnMaps
from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.mappings import MapFiles, MappingError, MapSet, shipped_maps
from o2c_twin.integration.service.approvals import MAPS, Approvals
from o2c_twin.integration.service.doing import Doing
from o2c_twin.integration.service.map_changes import changed_maps, differences
from o2c_twin.integration.service.principals import Principal
from o2c_twin.integration.service.refusals import Refused
from o2c_twin.integration.store import Effect, KeptJournal
from o2c_twin.integration.store.sealed import opened_effect

SUBJECT = "maps"
SHIPPED = ""
"""What stands for a release where there was none yet."""
_PARTS = ("maps", "codes", "schemas", "rates")
_CURSOR = "maps:releases"
_MOST = 50
"""So many releases back are told of."""


class Release(msgspec.Struct, frozen=True):
    """One proposal. ``id`` is a hash of all but who and when, ``content`` one of the files alone; ``base`` is the
    release it was held against, ``approved`` what people are to approve of it.
    """

    id: str
    content: str
    base: str
    files: dict[str, dict[str, str]]
    approved: dict[str, str]
    by: str
    at: int


class Use(msgspec.Struct, frozen=True):
    """A release taken into use: by whom, approved by whom, when (microseconds since the epoch)."""

    id: str
    by: str
    approved_by: str
    at: int


class Releases(msgspec.Struct, frozen=True):
    """What the journal keeps: releases used, the last one in use; ids of those proposed and not used yet."""

    used: tuple[Use, ...] = ()
    proposed: tuple[str, ...] = ()


_RELEASES = msgspec.json.Decoder(Releases)
_RELEASE = msgspec.json.Decoder(Release)
_encode = msgspec.json.Encoder(order="sorted").encode


class MapReleases:
    """The releases of one journal. ``entity`` is the legal entity whose rules count; ``use`` is called with the maps to
    work by, None for the shipped ones, whenever others are to be used from now on.

    Every public method but `begin` and `follow` raises `Refused`.
    """

    def __init__(
        self,
        journal: KeptJournal,
        now: Callable[[], int],
        doing: Doing,
        approvals: Approvals,
        entity: str = "",
        vault: Vault | None = None,
        use: Callable[[OwnMaps | None], None] = lambda _: None,
    ) -> None:
        self._journal = journal
        self._now = now
        self._doing = doing
        self._approvals = approvals
        self._entity = entity
        self._vault = vault
        self._use = use
        self._using = in_use(journal)

    def status(self, who: Principal) -> dict[str, Any]:
        """What is in use since when, with the version and hash of each map; what was used before; what is proposed."""
        with self._doing(who, "status", SUBJECT, "list maps"):
            releases = _releases(self._journal)
            maps = self._maps(self._using)
            return {
                "in_use": self._using,
                "entity": self._entity,
                "maps": {
                    name: {"version": spec.version, "hash": maps.content_hash(name)}
                    for name, spec in sorted(maps.specs.items())
                },
                "used": [msgspec.to_builtins(each) for each in releases.used],
                "proposed": [_told(self._kept(id_)) for id_ in releases.proposed],
            }

    def propose(self, who: Principal, given: MapFiles, *, alone: bool) -> dict[str, Any]:
        """Propose files beside those in use, or ``alone`` in place of them; tells what they would have done.

        Nothing takes effect. Refused are files with problems, a map that does something else under its old version,
        and files that change nothing.
        """
        with self._doing(who, MAPS, SUBJECT, "propose maps") as told:
            try:
                files = given if alone else self._files(self._using).with_files(given)
                maps = OwnMaps(files, self._entity).load() if _named(files) else shipped_maps()
            except MappingError as bad:
                more = f" (and {len(bad.problems) - 1} more)" if bad.problems[1:] else ""
                raise Refused(422, f"{bad.problems[0]}{more}") from bad
            before, content = self._maps(self._using), _content(files)
            if content == self._content_of(self._using):
                raise Refused(409, "these are the maps in use; there is nothing to release")
            stale = () if content in self._used_before() else maps.unversioned(before)
            if stale:
                raise Refused(422, f"map {stale[0]}: does something else under the version in use; raise its version")
            found = differences(before, maps, self._entity, self._journal.effects(), self._opened)
            release = made(content, self._using, files, _approved(before, maps, found), who.name, self._now())
            self._keep(release)
            told["outcome"] = release.id
            return {**_told(release), "maps": found}

    def release(self, who: Principal, id_: str, approval: str | None) -> dict[str, Any]:
        """Take a proposal into use; somebody else must have approved just this, held against what is in use now."""
        with self._doing(who, MAPS, id_):
            release = self._kept(id_)
            if release.base != self._using:
                raise Refused(409, f"{id_}: was tried against other maps than those in use now; propose it again")
            used = self._approvals.use(approval, MAPS, id_, release.approved)
            releases = _releases(self._journal)
            taken = Use(id_, who.name, used.votes[-1].who, self._now())
            left = tuple(each for each in releases.proposed if each != id_)
            self._journal.move(_CURSOR, _encode(Releases((*releases.used, taken)[-_MOST:], left)).decode())
            self._take(id_)
            return {"in_use": id_, "approved_by": taken.approved_by}

    def follow(self) -> bool:
        """Take up what another worker has released; whether there was anything."""
        there = in_use(self._journal)
        if there == self._using:
            return False
        self._take(there)
        return True

    def _take(self, id_: str) -> None:
        self._use(maps_in_use(self._journal, self._entity, id_))
        self._using = id_

    def _opened(self, effect: Effect) -> Effect:
        return effect if self._vault is None else opened_effect(self._vault, effect)

    def _maps(self, id_: str) -> MapSet:
        own = maps_in_use(self._journal, self._entity, id_)
        return shipped_maps() if own is None else own.load()

    def _files(self, id_: str) -> MapFiles:
        return MapFiles({}, {}, {}) if id_ == SHIPPED else MapFiles(**self._kept(id_).files)

    def _content_of(self, id_: str) -> str:
        return _content(self._files(id_))

    def _used_before(self) -> set[str]:
        """The contents that were in use at some time: what they do is known under their versions."""
        return {_content(self._files(id_)) for id_ in (SHIPPED, *(use.id for use in _releases(self._journal).used))}

    def _kept(self, id_: str) -> Release:
        known = _kept(self._journal, id_)
        if known is None:
            raise Refused(404, f"no release of maps {id_!r}; see GET /api/maps")
        return known

    def _keep(self, release: Release) -> None:
        self._journal.record(_key(release.id), _encode(release).decode(), release.at)
        releases = _releases(self._journal)
        proposed = (*(each for each in releases.proposed if each != release.id), release.id)
        self._journal.move(_CURSOR, _encode(Releases(releases.used, proposed[-_MOST:])).decode())


def in_use(journal: KeptJournal) -> str:
    """The id of the release in use."""
    used = _releases(journal).used
    return used[-1].id if used else SHIPPED


def maps_in_use(journal: KeptJournal, entity: str, id_: str | None = None) -> OwnMaps | None:
    """The maps of the release in use, or of ``id_``; None for the shipped ones. Raises `MappingError`."""
    id_ = in_use(journal) if id_ is None else id_
    release = None if id_ == SHIPPED else _kept(journal, id_)
    files = MapFiles({}, {}, {}) if release is None else MapFiles(**release.files)
    return OwnMaps(files, entity).checked() if entity or _named(files) else None


def begin(journal: KeptJournal, now: int, configured: OwnMaps | None) -> bool:
    """At a start: the configured maps are taken into use where nothing was before. False when others are in use."""
    files = MapFiles({}, {}, {}) if configured is None else configured.files
    current = in_use(journal)
    release = None if current == SHIPPED else _kept(journal, current)
    if release is not None:
        return configured is None or not _named(files) or release.content == _content(files)
    if _named(files):
        first = made(_content(files), SHIPPED, files, {}, "configuration", now)
        with journal.together():
            journal.record(_key(first.id), _encode(first).decode(), now)
            taken = Use(first.id, "configuration", "", now)
            journal.move(_CURSOR, _encode(Releases((taken,), _releases(journal).proposed)).decode())
    return True


def made(content: str, base: str, files: MapFiles, approved: Mapping[str, str], by: str, at: int) -> Release:
    """A release with its name."""
    texts, told = _texts(files), dict(approved)
    return Release(_hash([content, base, told]), content, base, texts, told, by, at)


def _approved(before: MapSet, after: MapSet, found: Mapping[str, Any]) -> dict[str, str]:
    """What people approve: which maps in which version, and how much of the past would have been otherwise."""
    names = changed_maps(before, after)
    added, gone = sorted(set(after.specs) - set(before.specs)), sorted(set(before.specs) - set(after.specs))
    told = {name: f"version {after.specs[name].version}, {after.content_hash(name)}" for name in (*names, *added)}
    told |= dict.fromkeys(gone, "is there no more")
    for name, each in found.items():
        tried = f"{len(each.get('changes', ()))} of {each['documents']} documents change"
        moved = [f"{money['moved']} {currency} minor units moved" for currency, money in each.get("money", {}).items()]
        told[name] = "; ".join((told[name], tried, *moved))
    return told


def _told(release: Release) -> dict[str, Any]:
    asking = {"operation": MAPS, "subject": release.id, "content": release.approved}
    return {"release": release.id, "by": release.by, "at": release.at, "base": release.base, "asking": asking}


def _releases(journal: KeptJournal) -> Releases:
    return _RELEASES.decode(journal.cursor(_CURSOR, "{}"))


def _kept(journal: KeptJournal, id_: str) -> Release | None:
    known = journal.outcome(_key(id_))
    return None if known is None else _RELEASE.decode(known)


def _key(id_: str) -> str:
    return f"maps:release:{id_}"


def _texts(files: MapFiles) -> dict[str, dict[str, str]]:
    return {part: dict(getattr(files, part)) for part in _PARTS}


def _named(files: MapFiles) -> bool:
    return any(getattr(files, part) for part in _PARTS)


def _content(files: MapFiles) -> str:
    """A hash of the files' texts, wherever they lie."""
    return _hash([sorted(getattr(files, part).values()) for part in _PARTS])


def _hash(told: Any) -> str:
    return hashlib.blake2b(_encode(told), digest_size=8).hexdigest()
