"""One map out of many parties' words, as one reader has them. Pure.

Whose word counts: the owner's. What the owner of an asset says of it counts before what anybody else does; others are
used where the owner says nothing, in the order in which they are given, and are shown beside it where they differ. A
reader who sees less has a smaller map, made from what it sees and from nothing else: a supplier that it does not see
stands on the map as an id that nothing is known of, and stays up until the reader says otherwise.

Of reports of the field the owner's latest counts, as long as it is not over; else the latest of anybody. What others
say otherwise stands beside it, with who says it and when.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import structs

from tocsin.errors import InputError, NotFoundError
from tocsin.kernel.clock import Micros
from tocsin.map.allowance import PartyLeftOut
from tocsin.map.model import Asset, AssetMap, DependencyGroup
from tocsin.map.wire import ATTRIBUTES, AssetWord, DependencyWord, State, StateWord, read_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tocsin.map.wire import AnyWord, Told

__all__ = ["Beside", "PartlySeen", "Seen", "Standing", "Unread", "assembled", "read_words"]

_SHOWN: Final = 200


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """An object that is left out, and why."""

    id: str
    by: str
    cause: str


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What another says otherwise than whom the map follows: of an attribute of an asset, or of a group of its."""

    asset: str
    what: str
    by: str
    says: str


class PartlySeen(msgspec.Struct, frozen=True, kw_only=True):
    """A group some of whose suppliers the reader does not see: they count as up."""

    asset: str
    group: str
    unseen: int
    of: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A report of the field. ``counts``: it is the one that the map follows, of its asset.

    ``owners``: it is of the asset's owner. ``differs``: it is not over, and says another service than the one that
    counts. ``reported``: when it was made, which may be long after what it tells of.
    """

    asset: str
    by: str
    state: State
    counts: bool
    owners: bool
    differs: bool
    reported: Micros


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The map that one reader has ``at`` this hub time. ``refs``: the STIX id of each asset, by its id on the map.

    ``unseen``: assets of which nothing is known but that something refers to them. ``lent``: assets, and what of them
    another than the owner says, by whom. ``partly``: the groups of which not all is seen. ``parties_left_out``:
    of whose objects none is on it.
    """

    plan: AssetMap
    refs: dict[str, str]
    at: Micros = 0
    unseen: tuple[str, ...] = ()
    lent: tuple[Beside, ...] = ()
    beside: tuple[Beside, ...] = ()
    partly: tuple[PartlySeen, ...] = ()
    states: tuple[Standing, ...] = ()
    unread: tuple[Unread, ...] = ()
    parties_left_out: tuple[PartyLeftOut, ...] = ()

    def named(self, text: str) -> str:
        """Return the id on the map of an asset that is named by that, or by its STIX id.

        Raises:
            NotFoundError: there is none, or none that the reader sees.
        """
        if text in self.refs:
            return text
        found = next((name for name, ref in self.refs.items() if ref == text), None)
        if found is None:
            raise NotFoundError(
                "there is no such asset on the map that you see",
                where=text[:_SHOWN] or "''",
                todo="name it as the map does, or by its STIX id: `tocsin map show` lists them",
            )
        return found


def read_words(told: Iterable[Told]) -> tuple[list[AnyWord], list[tuple[Told, str]]]:
    """Return what objects say, and those that cannot be read, each with its cause."""
    words: list[AnyWord] = []
    unread: list[tuple[Told, str]] = []
    for one in told:
        try:
            words.append(read_word(one))
        except InputError as error:
            unread.append((one, error.what if error.where is None else f"{error.where}: {error.what}"))
    return words, unread


def assembled(words: Sequence[AnyWord], unread: Iterable[Unread] = (), *, at: Micros = 0) -> Seen:
    """Return the map of these words: assets and groups in the order in which they are first spoken of.

    ``at``: now, by which reports are over or not.
    """
    return _Assembly(words, at).seen(tuple(unread))


class _Assembly:
    def __init__(self, words: Sequence[AnyWord], at: Micros) -> None:
        self._at = at
        self._of_assets: dict[str, list[AssetWord]] = defaultdict(list)
        self._of_groups: dict[tuple[str, str], list[DependencyWord]] = defaultdict(list)
        self._of_states: dict[str, list[StateWord]] = defaultdict(list)
        for word in words:
            if isinstance(word, AssetWord):
                self._of_assets[word.about].append(word)
            elif isinstance(word, DependencyWord):
                self._of_groups[word.about, word.name].append(word)
            elif not word.retired:
                self._of_states[word.about].append(word)
        self._owners: dict[str, str] = {}
        self._names: dict[str, str] = {}
        for ref, said in self._of_assets.items():
            whole = next((word for word in said if word.owner), None)
            if whole is not None:
                # the id follows from owner and name: whoever says them, they are these
                self._owners[ref], self._names[ref] = whole.owner, whole.name
        self._lent: list[Beside] = []
        self._beside: list[Beside] = []

    def seen(self, unread: tuple[Unread, ...]) -> Seen:
        called = Counter(self._names.values())
        names = {ref: name if called[name] == 1 else ref for ref, name in self._names.items()}
        assets = [asset for ref in self._of_assets if (asset := self._asset(ref, names.get(ref, ref))) is not None]
        groups = [group for key in self._of_groups if (group := self._group(key)) is not None]
        there = {ref for ref in self._of_assets if not self._gone(ref)}
        shown = {asset.id for asset in assets}
        mentioned = dict.fromkeys(
            ref for group in groups for ref in (group.asset, *(one.asset for one in group.suppliers))
        )
        mentioned |= dict.fromkeys(self._of_states)
        unseen = [ref for ref in mentioned if ref not in there]
        # what was taken down is called as what is not seen: by its id
        called_now = {ref: names.get(ref, ref) for ref in there} | {ref: ref for ref in unseen}
        assets += [Asset(id=ref) for ref in unseen if ref not in shown]
        plan = AssetMap(assets=tuple(assets), groups=tuple(_renamed(group, called_now) for group in groups))
        return Seen(
            plan=plan,
            refs={name: ref for ref, name in called_now.items()},
            at=self._at,
            unseen=tuple(unseen),
            lent=tuple(self._lent_named(self._lent, called_now)),
            beside=tuple(self._lent_named(self._beside, called_now)),
            partly=tuple(_partly(plan, frozenset(unseen))),
            states=tuple(self._standings(called_now)),
            unread=unread,
        )

    def _gone(self, ref: str) -> bool:
        """Return whether its owner took it down; where the owner says nothing, whether all do who speak of it."""
        said = self._of_assets[ref]
        own = [word for word in said if word.by == self._owners.get(ref) and word.owner]
        return all(word.retired for word in own or said)

    def _asset(self, ref: str, name: str) -> Asset | None:
        if self._gone(ref):
            return None
        owner = self._owners.get(ref, "")
        said = [word for word in self._of_assets[ref] if not word.retired]
        # the owner's first, and of the owner's the details: they are what was taken out of the rest
        ranked = sorted(said, key=lambda word: (word.by != owner, word.owner != ""))
        chosen: dict[str, tuple[Any, str]] = {}
        for word in ranked:
            for attribute in ATTRIBUTES:
                if attribute not in word.said:
                    continue
                value = word.said[attribute]
                before = chosen.setdefault(attribute, (value, word.by))
                if before[0] != value and before[1] != word.by:
                    self._beside.append(Beside(asset=ref, what=attribute, by=word.by, says=_text(value)))
        self._lent += [
            Beside(asset=ref, what=attribute, by=by, says=_text(value))
            for attribute, (value, by) in chosen.items()
            if by != owner
        ]
        return Asset(id=name, owner=owner, **{attribute: value for attribute, (value, _) in chosen.items()})

    def _group(self, key: tuple[str, str]) -> DependencyGroup | None:
        ref, name = key
        if ref in self._of_assets and self._gone(ref):
            return None
        owner = self._owners.get(ref)
        ranked = sorted(self._of_groups[key], key=lambda word: word.by != owner)
        if ranked[0].by == owner and ranked[0].group is None:
            return None  # its owner needs this no more
        said = [word for word in ranked if word.group is not None]
        if not said:
            return None
        first = said[0]
        if first.by != owner:
            self._lent.append(Beside(asset=ref, what=name, by=first.by, says=_needs(first.group)))
        self._beside += [
            Beside(asset=ref, what=name, by=word.by, says=_needs(word.group))
            for word in said[1:]
            if word.group != first.group
        ]
        return first.group

    def _standings(self, names: dict[str, str]) -> Iterable[Standing]:
        for ref, words in self._of_states.items():
            owner = self._owners.get(ref)
            followed = self._followed(words, owner)
            for word in words:
                yield Standing(
                    asset=names[ref],
                    by=word.by,
                    state=structs.replace(word.state, asset=names[ref]),
                    counts=word is followed,
                    owners=word.by == owner,
                    differs=not self._over(word) and word.state.service != followed.state.service,
                    reported=word.modified,
                )

    def _followed(self, words: Sequence[StateWord], owner: str | None) -> StateWord:
        """Return the report that counts: the owner's latest as long as it is not over, else the latest of anybody.

        What was once put behind by a later report does not come back when that one is over.
        """
        own = max((word for word in words if word.by == owner), key=_when, default=None)
        return own if own is not None and not self._over(own) else max(words, key=_when)

    def _over(self, word: StateWord) -> bool:
        return word.state.until is not None and word.state.until <= self._at

    @staticmethod
    def _lent_named(found: list[Beside], names: dict[str, str]) -> Iterable[Beside]:
        return (structs.replace(one, asset=names.get(one.asset, one.asset)) for one in found)


def _renamed(group: DependencyGroup, names: dict[str, str]) -> DependencyGroup:
    suppliers = tuple(structs.replace(one, asset=names[one.asset]) for one in group.suppliers)
    return structs.replace(group, asset=names[group.asset], suppliers=suppliers)


def _partly(plan: AssetMap, unseen: frozenset[str]) -> Iterable[PartlySeen]:
    for group in plan.groups:
        count = sum(one.asset in unseen for one in group.suppliers)
        if count:
            yield PartlySeen(asset=group.asset, group=group.name, unseen=count, of=len(group.suppliers))


def _when(word: StateWord) -> tuple[Micros, str]:
    return word.modified, word.id


def _needs(group: DependencyGroup | None) -> str:
    return "" if group is None else f"{group.k:g} of {len(group.suppliers)}, buffer {group.buffer_h:g} h"


def _text(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
