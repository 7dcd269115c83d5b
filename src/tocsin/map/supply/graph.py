"""What one reader sees of supply chains, put together, and which assets a part reaches. Pure.

A node is one part of one bill. An edge leads from a part to what it contains or depends on, within its bill; from an
asset to the product that it has; and from a part to the product of another bill that is the same product in the same
version: then that bill says what is in the part. The same product: the same purl, version included; or, where one of
the two has none, the same name, version and supplier, all three said.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import structs

from tocsin.map.supply.model import Part, Verdict, label_of, same_maker
from tocsin.map.supply.names import Asked, asked_of, fits, is_exact, key_of, keys_of, may_fit, open_key_of, require_purl
from tocsin.map.supply.wire import BillWord, FitWord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Answer", "Chains", "Node", "Reached", "Said", "assembled"]

# A part: the STIX id of its bill, and its number there.
Node: TypeAlias = tuple[str, int]
_WORST: Final = tuple(Verdict)
# Words on one version of one package that differ, by architecture and the like, or by party: what is beyond is compared
# with no part, and parts that it would be about are told as near.
_MOST_ALIKE: Final = 100
# The number of a node that is no part but what parts of several bills are called.
_NAME: Final = -1


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What parts a vulnerability is said to be in, beside what bills say: by whom, and where that stands."""

    asked: Asked
    by: str
    source: str
    verdict: Verdict = Verdict.AFFECTED


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """One asset, by its STIX id, that has what was asked for.

    ``path``: from the product that the asset has down to the part. ``fitted_by``: who says that the asset has it;
    ``bills_by``: whose bills the path goes through. ``verdict``: None where no vulnerability was asked for;
    ``judged_by``: whose verdict that is.
    """

    asset: str
    path: tuple[str, ...]
    fitted_by: tuple[str, ...]
    bills_by: tuple[str, ...]
    verdict: Verdict | None = None
    judged_by: tuple[str, ...] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a part reaches. ``cleared``: assets whose every path somebody says is fixed or not affected.

    ``parts``: how many parts fit, in how many ``products``; ``loose``: products with such a part that no asset is said
    to have. ``near``: parts in the version that a vulnerability is said to be in, told apart by more than that (an
    architecture, an edition, a supplier), and parts whose own CPE name leaves open whether they are what is asked for:
    nothing is said of them, and they are not counted.
    """

    reached: tuple[Reached, ...]
    cleared: tuple[Reached, ...] = ()
    parts: int = 0
    products: int = 0
    loose: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """All bills that a reader sees, by STIX id, and which assets have which product.

    ``unseen``: products that assets are said to have and whose bill the reader does not see.
    """

    bills: dict[str, BillWord]
    fits: tuple[FitWord, ...]
    unseen: int = 0

    def part(self, node: Node) -> Part:
        """Return the part of a node."""
        bill = self.bills[node[0]].bill
        assert bill is not None  # noqa: S101 -- what is retired is in no chain
        return bill.parts[node[1]]

    def nodes(self) -> Iterator[tuple[Node, Part]]:
        """Yield every part of every bill."""
        for id_, word in self.bills.items():
            if word.bill is not None:
                for number, part in enumerate(word.bill.parts):
                    yield (id_, number), part

    def holders(self) -> dict[Node, list[Node]]:
        """Return for each part the parts that hold or need it.

        What is the same product goes by way of its name, a node of number ``_NAME``: a thousand parts that are the same
        product as a thousand bills' are two thousand edges, and not a million.
        """
        held: dict[Node, list[Node]] = defaultdict(list)
        for node, part in self.nodes():
            for other in {*part.contains, *part.depends_on}:
                held[node[0], other].append(node)
            for name in _meant(part):
                held[name].append(node)
            for name in _called(part) if node[1] == 0 else ():
                held[node].append(name)
        return held

    def asked(self, asked: Asked) -> Answer:
        """Return the assets that have a part which fits."""
        nodes = [node for node, part in self.nodes() if fits(asked, part)]
        found = frozenset(nodes)
        near = {
            part.purl or label_of(part) for node, part in self.nodes() if node not in found and may_fit(asked, part)
        }
        answer = self._answer(nodes, _upward([nodes], self.holders()), {}, {})
        return structs.replace(answer, near=tuple(sorted(near)))

    def vulnerable(self, id_: str, said: Iterable[Said] = ()) -> Answer:
        """Return the assets that a vulnerability reaches, by what bills say of it and by ``said``.

        What a bill says of its own parts counts before what others say of parts that are called the same: whether a
        part is affected depends on what it stands in. A way up ends at a part that its own bill clears.
        """
        own = self._statements(id_.casefold())
        elsewhere = _by_key([*said, *self._by_name(own)])
        verdicts: dict[Node, tuple[Verdict, tuple[str, ...]]] = {
            node: (verdict, (self.bills[node[0]].by,)) for node, verdict in own.items()
        }
        near: set[str] = set()
        for node, part in self.nodes():
            if node in own or not elsewhere:
                continue
            alike = [one for key in keys_of(part) for one in elsewhere.get(key, ())]
            found = [one for one in alike if fits(one.asked, part)]
            if alike and not found:
                near.add(part.purl or label_of(part))
            if found:
                worst = min((one.verdict for one in found), key=_WORST.index)
                verdicts[node] = (worst, tuple(sorted({one.by for one in found if one.verdict is worst})))
        clear = sorted(node for node, (verdict, _) in verdicts.items() if verdict.is_clear)
        # the worst first: of two ways to an asset it is told which matters
        feared = [
            sorted(node for node, (each, _) in verdicts.items() if each is verdict)
            for verdict in _WORST
            if not verdict.is_clear
        ]
        holders = self.holders()
        came = _upward(feared, holders, frozenset(clear))
        answer = self._answer([*verdicts], came, verdicts, _upward([clear], holders))
        return structs.replace(answer, near=tuple(sorted(near)))

    def _statements(self, id_: str) -> dict[Node, Verdict]:
        own: dict[Node, Verdict] = {}
        for bill_id, word in self.bills.items():
            for one in word.bill.statements if word.bill is not None else ():
                if any(each.casefold() == id_ for each in one.ids):
                    for number in one.parts:
                        before = own.get((bill_id, number), one.verdict)
                        own[bill_id, number] = min(before, one.verdict, key=_WORST.index)
        return own

    def _by_name(self, own: Mapping[Node, Verdict]) -> Iterator[Said]:
        """Yield what bills say of their parts, as a word on every part of the same purl or CPE name, version included.

        Only that one is affected: that one product is not says nothing of others.
        """
        for node, verdict in own.items():
            if verdict.is_clear or verdict is Verdict.UNCLEAR:
                continue
            part, word = self.part(node), self.bills[node[0]]
            for text in (part.purl, *part.cpes):
                if text and is_exact(asked := asked_of(text)):
                    yield Said(asked=asked, by=word.by, source=word.id, verdict=verdict)

    def _answer(
        self,
        nodes: Sequence[Node],
        came: Mapping[Node, Node | None],
        verdicts: Mapping[Node, tuple[Verdict, tuple[str, ...]]],
        cleared: Mapping[Node, Node | None],
    ) -> Answer:
        fitted: dict[tuple[str, str], set[str]] = defaultdict(set)
        for fit in self.fits:
            fitted[fit.asset, fit.bill].add(fit.by)
        reached = {
            (asset, bill): self._reached(asset, (bill, 0), by, came, verdicts)
            for (asset, bill), by in fitted.items()
            if (bill, 0) in came
        }
        there = {asset for asset, _ in reached}
        safe = [
            self._reached(asset, (bill, 0), by, cleared, verdicts)
            for (asset, bill), by in fitted.items()
            if asset not in there and (bill, 0) in cleared
        ]
        had = {bill for _, bill in fitted}
        loose = {label_of(self.part((id_, 0))) for id_, number in came if number == 0 and id_ not in had}
        return Answer(
            reached=tuple(sorted(reached.values(), key=_order)),
            cleared=tuple(sorted(safe, key=_order)),
            parts=len(set(nodes)),
            products=len({id_ for id_, _ in nodes}),
            loose=tuple(sorted(loose)),
        )

    def _reached(
        self,
        asset: str,
        product: Node,
        by: Iterable[str],
        came: Mapping[Node, Node | None],
        verdicts: Mapping[Node, tuple[Verdict, tuple[str, ...]]],
    ) -> Reached:
        way = [product]
        while (below := came[way[-1]]) is not None:
            way.append(below)
        verdict, judges = verdicts.get(way[-1], (None, ()))
        way = [node for node in way if node[1] != _NAME]
        labels = [label_of(self.part(node)) for node in way]
        return Reached(
            asset=asset,
            # the same product in two bills is one step
            path=tuple(label for at, label in enumerate(labels) if at == 0 or label != labels[at - 1]),
            fitted_by=tuple(sorted(by)),
            bills_by=tuple(sorted({self.bills[id_].by for id_, _ in way})),
            verdict=verdict,
            judged_by=judges,
        )


def assembled(words: Iterable[BillWord | FitWord]) -> Chains:
    """Return the chains of these words: what is retired is not in them."""
    bills: dict[str, BillWord] = {}
    standing: list[FitWord] = []
    for word in words:
        if isinstance(word, BillWord):
            bills[word.id] = word
        elif not word.retired:
            standing.append(word)
    there = {id_: word for id_, word in sorted(bills.items()) if word.bill is not None}
    return Chains(
        bills=there,
        fits=tuple(sorted((one for one in standing if one.bill in there), key=lambda one: one.id)),
        unseen=len({(one.asset, one.bill) for one in standing if one.bill not in bills}),
    )


def _by_key(said: Iterable[Said]) -> dict[tuple[str, ...], list[Said]]:
    """Return what is said by the key of what it is about, each word of a party once and ``_MOST_ALIKE`` of one key."""
    found: dict[tuple[str, ...], dict[tuple[Asked, str, Verdict], Said]] = defaultdict(dict)
    for one in said:
        exact, open_ = key_of(one.asked), open_key_of(one.asked)
        for key in (exact,) if open_ is None else (exact, open_):
            alike = found[key]
            if len(alike) < _MOST_ALIKE:
                alike.setdefault((structs.replace(one.asked, text=""), one.by, one.verdict), one)
    return {key: [*alike.values()] for key, alike in found.items()}


def _order(one: Reached) -> tuple[int, str, tuple[str, ...]]:
    return (0 if one.verdict is None else _WORST.index(one.verdict), one.asset, one.path)


def _upward(
    begin: Iterable[Sequence[Node]], holders: Mapping[Node, Sequence[Node]], closed: frozenset[Node] = frozenset()
) -> dict[Node, Node | None]:
    """Return every part that holds one of these, with the next below it on a shortest way; None: it is one of them.

    What the first of ``begin`` reach, the later ones do not: a part has one way.
    """
    came: dict[Node, Node | None] = {}
    for nodes in begin:
        waiting = deque(node for node in nodes if node not in closed and node not in came)
        came |= dict.fromkeys(waiting)
        while waiting:
            node = waiting.popleft()
            for holder in holders.get(node, ()):
                if holder not in came and holder not in closed:
                    came[holder] = node
                    waiting.append(holder)
    return came


def _triple(part: Part) -> tuple[str, ...] | None:
    """Return name, version and supplier as they are compared; None where one of the last two is not said."""
    if not (part.version and part.supplier):
        return None
    return part.name.casefold(), part.version, same_maker(part.supplier)


def _name(*of: object) -> Node:
    return repr(of), _NAME


def _called(product: Part) -> Iterator[Node]:
    """Yield by what names other bills mean this product. Two different purls are two, whatever else is equal."""
    if product.purl and require_purl(product.purl).version:
        yield _name("purl", product.purl)
    triple = _triple(product)
    if triple is not None:
        yield _name("any", triple)
        yield _name("with", product.purl, triple)


def _meant(part: Part) -> Iterator[Node]:
    """Yield the names of the products that a part may be: see ``_called``."""
    if part.purl and require_purl(part.purl).version:
        yield _name("purl", part.purl)
    triple = _triple(part)
    if triple is not None and not part.purl:
        yield _name("any", triple)
    elif triple is not None:
        yield _name("with", part.purl, triple)
        yield _name("with", "", triple)
