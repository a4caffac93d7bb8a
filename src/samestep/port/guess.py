"""The mapping of parameters, guessed from names, shapes and axes; what is ambiguous is asked about.

Each rule pairs only what it can tell apart, and says why. They are tried in turn until nothing
changes:

1. parameters of layers that are paired already go together by role (weight, bias, ...);
2. equal words and role: by name, or in the order of the numbers in the names;
3. families of one role and shape that fit one family of the other side alone;
4. of several such families the one whose name is nearest;
5. square weights, which may be transposed or not, as the other dense weights of the port are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from samestep.errors import UsageError
from samestep.port.layout import candidates
from samestep.port.naming import Name, parent
from samestep.port.pairing import Corrections, Pair, Pairing, fused, given_pairs
from samestep.port.side import Tensor

__all__ = ["pair_tensors"]

_ATTENTION = ("query", "key", "value")


def pair_tensors(
    original: Mapping[str, Tensor],
    port: Mapping[str, Tensor],
    mapping: Corrections | None = None,
    leave_out: Sequence[str] = (),
    what: str = "parameters",
) -> Pairing:
    """Pair the tensors of two sides.

    Parameters
    ----------
    original, port : dict of str to Tensor
    mapping : mapping, optional
        Corrections: from a name of the original, or a tuple of the names of parts, to a name of the
        port, or a list of names, or a pair of these and a layout rule; None leaves one out.
    leave_out : sequence of str
        Names of either side that have no partner on purpose.
    what : str
        How messages call the tensors.

    Raises
    ------
    UsageError
        For tensors without a partner or with several, and for corrections that do not fit.
    """
    pairs, alone = given_pairs(mapping or {}, original, port)
    for name in leave_out:
        if name not in original and name not in port:
            raise UsageError(
                f"leave_out names {name!r}, which neither side has.",
                f"The original has {_listed(original)}; the port has {_listed(port)}.",
            )
    aside = {*alone, *leave_out}
    work = _Guess(original, port, what)
    work.take(pairs)
    work.drop(aside)
    work.guess()
    order = {name: i for i, name in enumerate(original)}
    found = sorted(work.pairs, key=lambda pair: order[pair.original[0]])
    return Pairing(tuple(found), tuple(sorted(aside)), what)


@dataclass
class _Item:
    """A tensor, or the parts of one, that waits for a partner."""

    names: tuple[str, ...]
    tensor: Tensor
    name: Name
    layer: str


@dataclass
class _Guess:
    """The state of the search."""

    original: Mapping[str, Tensor]
    port: Mapping[str, Tensor]
    what: str
    pairs: list[Pair] = field(default_factory=list)
    left: list[_Item] = field(init=False)
    right: list[_Item] = field(init=False)
    layers: dict[str, str] = field(default_factory=dict)
    habit: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.left = [_item((name,), self.original) for name in self.original]
        self.right = [_item((name,), self.port) for name in self.port]

    def take(self, pairs: Sequence[Pair]) -> None:
        """Accept pairs, and remember which layers they pair."""
        self.pairs.extend(pairs)
        self.drop({name for pair in pairs for name in (*pair.original, *pair.port)})
        for pair in pairs:
            if len(pair.original) == len(pair.port) == 1:
                self.layers.setdefault(parent(pair.original[0]), parent(pair.port[0]))

    def drop(self, names: set[str]) -> None:
        """Take tensors out of the search."""
        self.left = [item for item in self.left if not names & set(item.names)]
        self.right = [item for item in self.right if not names & set(item.names)]

    def guess(self) -> None:
        """Apply the rules until all are paired, or none applies."""
        self._join_attention_parts()
        rules: list[Callable[[], list[Pair]]] = [
            self._same_layer,
            self._same_words,
            self._same_shapes,
            self._nearest_names,
            self._square_like_the_others,
        ]
        while self.left or self.right:
            found = next((pairs for rule in rules if (pairs := rule())), [])
            if not found:
                raise self._unpaired()
            self.take(found)

    def _join_attention_parts(self) -> None:
        """Where one side fuses the projections of query, key and value, stack the other's three."""
        self.right = _joined(self.right, self.port, sum(map(_is_fused, self.left)))
        self.left = _joined(self.left, self.original, sum(map(_is_fused, self.right)))

    def _same_layer(self) -> list[Pair]:
        found = []
        for item in self.left:
            there = self.layers.get(item.layer)
            fitting = [
                (other, rules[0])
                for other in self.right
                if other.layer == there
                and other.name.role == item.name.role
                and len(rules := self._rules(item, other)) == 1
            ]
            if item.layer and len(fitting) == 1:
                found.append(_pair(item, *fitting[0], "same layer"))
        return found

    def _same_words(self) -> list[Pair]:
        mine = _families(self.left, lambda item: (item.name.words, item.name.role))
        theirs = _families(self.right, lambda item: (item.name.words, item.name.role))
        for key, items in mine.items():
            partners = theirs.get(key, [])
            same = [i.name.numbers for i in items] == [p.name.numbers for p in partners]
            if key[1] and (key[0] or same):
                found = self._in_order(items, partners, "same name" if same else "order of numbers")
                if found:
                    return found
        return []

    def _same_shapes(self) -> list[Pair]:
        def only(items: list[_Item], rivals: list[list[_Item]]) -> list[_Item] | None:
            del items
            return rivals[0] if len(rivals) == 1 else None

        return self._by_family(only, "the only one that fits")

    def _nearest_names(self) -> list[Pair]:
        def nearest(items: list[_Item], rivals: list[list[_Item]]) -> list[_Item] | None:
            scores = [items[0].name.likeness(rival[0].name) for rival in rivals]
            best = max(scores, default=0.0)
            return rivals[scores.index(best)] if best and scores.count(best) == 1 else None

        return self._by_family(nearest, "nearest name")

    def _by_family(
        self,
        choose: Callable[[list[_Item], list[list[_Item]]], list[_Item] | None],
        reason: str,
    ) -> list[Pair]:
        """Pair two families if each chooses the other among those that fit; weights first."""

        def key(item: _Item) -> tuple[object, ...]:
            return (item.name.words, item.name.role, item.tensor)

        mine, theirs = (list(_families(side, key).values()) for side in (self.left, self.right))
        for items in sorted(mine, key=lambda items: -len(items[0].tensor.shape)):
            chosen = choose(items, [rival for rival in theirs if self._fit(items, rival)])
            if not chosen:
                continue
            if choose(chosen, [family for family in mine if self._fit(family, chosen)]) is items:
                found = self._in_order(items, chosen, "order of numbers" if items[1:] else reason)
                if found:
                    return found
        return []

    def _square_like_the_others(self) -> list[Pair]:
        """Decide that square weights are laid out as the others of this port are."""
        used = {p.pattern for p in self.pairs if p.left != p.right and "out in" in p.pattern}
        if len(used) != 1:
            return []
        self.habit |= used
        rules = (self._same_layer, self._same_words, self._same_shapes, self._nearest_names)
        return next((pairs for rule in rules if (pairs := rule())), [])

    def _rules(self, item: _Item, other: _Item) -> list[str]:
        rules = candidates(item.tensor, other.tensor)
        return [rule for rule in rules if rule in self.habit] or rules

    def _fit(self, items: list[_Item], rivals: list[_Item]) -> bool:
        a, b = items[0], rivals[0]
        roles = {a.name.role, b.name.role} - {""}
        return len(items) == len(rivals) and len(roles) < 2 and bool(self._rules(a, b))

    def _in_order(self, items: list[_Item], partners: list[_Item], reason: str) -> list[Pair]:
        """Pair two families in the order of their numbers; nothing if that is not certain."""
        if len(items) != len(partners):
            return []
        for side in (items, partners):
            if len({item.name.numbers for item in side}) < len(side):
                return []
        rules = [self._rules(i, p) for i, p in zip(items, partners, strict=True)]
        if any(len(rule) != 1 for rule in rules):
            return []
        return [
            _pair(i, p, rule[0], reason) for i, p, rule in zip(items, partners, rules, strict=True)
        ]

    def _unpaired(self) -> UsageError:
        """Say which tensor has no partner, or several, and how to settle it."""
        for item in self.left:
            rivals = [other for other in self.right if self._fit([item], [other])]
            if rivals:
                shown = [
                    f"{', '.join(other.names)} {other.tensor.shape} by "
                    f"{' or '.join(map(repr, self._rules(item, other)))}"
                    for other in rivals
                ]
                first = (item.names[0], rivals[0].names[0], self._rules(item, rivals[0])[0])
                return UsageError(
                    f"{item.names[0]} {item.tensor.shape} of the original may be "
                    f"{'; or '.join(shown)}.",
                    f"Say which: mapping={{{first[0]!r}: ({first[1]!r}, {first[2]!r})}}.",
                )
        lone_left = [f"{i.names[0]} {i.tensor.shape}" for i in self.left]
        lone_right = [f"{i.names[0]} {i.tensor.shape}" for i in self.right]
        name = (self.left or self.right)[0].names[0]
        return UsageError(
            f"Not all {self.what} can be paired. Left over in the original: "
            f"{', '.join(lone_left) or 'none'}; in the port: {', '.join(lone_right) or 'none'}.",
            "A layer that one side lacks, or a bias? Then add it. To pair by hand: "
            "mapping={'original name': ('port name', 'out in -> in out')}; to go on without: "
            f"leave_out=[{name!r}].",
        )


def _item(names: tuple[str, ...], known: Mapping[str, Tensor]) -> _Item:
    name = Name.of(names[0])
    if len(names) > 1:
        name = Name(name.words - {"query"}, name.numbers, name.role)
    return _Item(names, fused(names, known), name, parent(names[0]))


def _pair(item: _Item, other: _Item, rule: str, reason: str) -> Pair:
    shapes = (item.tensor.shape, other.tensor.shape)
    return Pair(item.names, other.names, rule, *shapes, reason)


def _families(
    items: Sequence[_Item], key: Callable[[_Item], tuple[object, ...]]
) -> dict[tuple[object, ...], list[_Item]]:
    """Group tensors, each group in the order of the numbers in the names."""
    groups: dict[tuple[object, ...], list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return {k: sorted(group, key=lambda item: item.name.numbers) for k, group in groups.items()}


def _is_fused(item: _Item) -> bool:
    """Whether a tensor holds the projections of query, key and value."""
    return "part" in item.tensor.axes or "qkv" in item.name.words


def _joined(items: list[_Item], known: Mapping[str, Tensor], wanted: int) -> list[_Item]:
    """Replace query, key and value of each attention layer by one item, if there are so many."""
    groups: dict[tuple[object, ...], dict[str, _Item]] = defaultdict(dict)
    for item in items:
        for part in _ATTENTION:
            if part in item.name.words and not _is_fused(item):
                rest = (item.name.words - {part}, item.name.numbers, item.name.role, item.tensor)
                groups[rest][part] = item
    whole = [group for group in groups.values() if len(group) == len(_ATTENTION)]
    if not wanted or len(whole) != wanted:
        return items
    trios = [tuple(group[part].names[0] for part in _ATTENTION) for group in whole]
    used = {name for trio in trios for name in trio}
    return [i for i in items if i.names[0] not in used] + [_item(trio, known) for trio in trios]


def _listed(known: Mapping[str, Tensor]) -> str:
    return ", ".join(known) or "none"
