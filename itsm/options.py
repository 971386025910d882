"""What people can choose in tickets: the options of fields, brought in line with the inventory by their difference.

Options are never deleted, since tickets would lose what was chosen there. What is gone is disabled, and enabled again
when it is back. Disabled ones count for the limit of a field as well, so what there is no room for is said.
"""

import bisect
import itertools
import re
from dataclasses import asdict, dataclass, field

from ..errors import ConfigError
from . import items, sites

FIELD = re.compile("customfield_[0-9]{1,12}")
OFFERS = ("packages", "minions")
KERNEL = re.compile("[A-Za-z0-9_.-]{1,64}")
# The options that a field can have, all contexts and levels taken together.
LIMIT = 10_000
LONGEST = 255
KEYWORDS = ("Remove", "Latest")  # children of each package, before its versions
EPOCH = re.compile(r"([0-9]+):(.*)", re.DOTALL)
PARTS = re.compile(r"([^0-9]*)([0-9]*)")


@dataclass(frozen=True)
class Offer:
    """
    What a field offers in one of its contexts.

    field, context
        In Jira the id of the field, and the id or the name of the context, None: its only one. In ServiceNow the table,
        and the group of its rows, None: the empty one.
    offers
        ``packages``, whose versions are a second level, or ``minions``.
    groups, kernel
        Of which groups of minions, and with which kernel (Linux, Windows); None: of any.
    """

    field: str
    offers: str
    context: str | None = None
    groups: tuple | None = None
    kernel: str | None = None


@dataclass(frozen=True)
class Wish:
    """An option that there shall be, with its children in the order in which they are shown."""

    value: str
    children: tuple = ()


@dataclass(frozen=True)
class Option:
    """An option that there is; ``parent`` is the id of another, None: it is of the first level."""

    id: str
    value: str
    disabled: bool = False
    parent: str | None = None


@dataclass
class Done:
    """
    What was done with an Offer, or (``is_tried``) would be.

    field, context, offers
        Those of the Offer; the context by its id in the Cloud, None: in Data Center, which tells of none.
    created, enabled, disabled, moved
        How many options.
    left_out
        Those for which there was no room, as [value of the parent or None, value].
    unusable
        What the inventory has, and no ticket could ask for: [name, version]; version None: the name.
    note
        Why nothing was done, for people; None: there was no reason.
    """

    field: str
    context: str | None
    offers: str
    is_tried: bool
    created: int = 0
    enabled: int = 0
    disabled: int = 0
    moved: int = 0
    left_out: list = field(default_factory=list)
    unusable: list = field(default_factory=list)
    note: str | None = None

    def as_json(self):
        """The same as JSON has it."""
        return asdict(self)


@dataclass
class Plan:
    """
    What makes the options of a context those that are wished for. Options are named by (value of the parent or None,
    value).

    create
        Those to be made, parents first, in the order in which they are shown.
    enable, disable
        The ids of those that are there.
    left_out
        Those for which there is no room.
    """

    create: list = field(default_factory=list)
    enable: list = field(default_factory=list)
    disable: list = field(default_factory=list)
    left_out: list = field(default_factory=list)

    def __bool__(self):
        """Whether anything is to be done."""
        return bool(self.create or self.enable or self.disable)


def load(where, given, name="field", pattern=FIELD, example="customfield_10104"):
    """
    The Offers in the setting ``options`` of a site, a list of mappings; () for None. ``name`` is the setting that says
    where the options are, and ``pattern`` its form. Raises ConfigError.
    """
    if given is not None and not isinstance(given, list):
        raise ConfigError(f"{where} must be a list, as in [{{{name}: {example}, offers: packages}}]")
    found = []
    for number, one in enumerate(given or (), 1):
        place = f"{where}: {number}"
        sites.mapping(place, one, (name, "context", "offers", "groups", "kernel"))
        if not isinstance(one.get(name), str) or not pattern.fullmatch(one[name]):
            raise ConfigError(f"{place}: {name} must be one such as {example}")
        if one.get("offers") not in OFFERS:
            raise ConfigError(f"{place}: offers must be {' or '.join(OFFERS)}")
        kernel = one.get("kernel")
        if kernel is not None and (not isinstance(kernel, str) or not KERNEL.fullmatch(kernel)):
            raise ConfigError(f"{place}: kernel must be as minions have it, as in Linux")
        context = one.get("context")
        context = None if context is None else sites.text(f"{place}: context", context)
        groups = None if one.get("groups") is None else sites.texts(f"{place}: groups", one["groups"])
        if groups == ():
            raise ConfigError(f"{place}: groups names none: leave it out for all minions")
        offer = Offer(one[name], one["offers"], context, groups, kernel)
        if any((other.field, other.context) == (offer.field, offer.context) for other in found):
            raise ConfigError(f"{place}: {offer.field} has its options already: name another context of it")
        found.append(offer)
    return tuple(found)


def wanted(call, offer):
    """
    (wishes, unusable) for an Offer, by the inventory; see package_wishes(). ``call`` gives the rows of a function of
    the database.
    """
    given = (None if offer.groups is None else list(offer.groups), offer.kernel)
    if offer.offers == "packages":
        return package_wishes(call("list_offers", *given))
    return minion_wishes([row["list_offered_minions"] for row in call("list_offered_minions", *given)])


def package_wishes(rows):
    """
    (wishes, unusable) for what list_offers() gave: the Wishes, what is approved on most minions first, then what most
    could get; and the (name, version) that no ticket could ask for, version None: the name.
    """
    names, versions, _ = items.RULES["any"]
    wishes, unusable = [], []
    for row in sorted(rows, key=lambda row: (-row["standing"], -row["minions"], row["name"])):
        name = row["name"]
        if not names.fullmatch(name) or len(name) > items.MOST_TEXT:
            unusable.append((name, None))
            continue
        fit = [one for one in row["versions"] if versions.fullmatch(one) and len(one) <= items.MOST_TEXT]
        unusable += [(name, one) for one in sorted(set(row["versions"]) - set(fit))]
        wishes.append(Wish(name, (*KEYWORDS, *sorted(fit, key=newness, reverse=True))))
    return wishes, unusable


def minion_wishes(ids):
    """(wishes, unusable) for the ids of minions, as package_wishes()."""
    fit = [one for one in ids if items.MINION.fullmatch(one) and len(one) <= LONGEST]
    return [Wish(one) for one in fit], [(one, None) for one in ids if one not in set(fit)]


def newness(version):
    """A key by which versions sort as Debian's tools sort them; those of others nearly so."""
    match = EPOCH.fullmatch(version)
    epoch, rest = (int(match[1]), match[2]) if match else (0, version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return epoch, _ranks(upstream), _ranks(revision), version


def _ranks(text):
    found = []
    for letters, digits in PARTS.findall(text):
        # A tilde stands before the end, letters before all other signs.
        ranks = [-1 if one == "~" else ord(one) if one.isalpha() else ord(one) + 256 for one in letters]
        found.append(((*ranks, 0), int(digits or 0)))
    return (*found, ((0,), -1))


def plan(contexts, elsewhere=0, limit=LIMIT):
    """
    The Plans for contexts of one field, by the same keys.

    contexts
        {key: (wishes, options)}: the Wishes by their weight, and the Options that there are, in their order.
    elsewhere
        How many options the field has in other contexts.
    limit
        How many it can have at all.

    Newest versions come before older ones of whatever package, and contexts take turns. What exists needs no room.
    """
    plans = {key: Plan() for key in contexts}
    there = {key: _by_name(options) for key, (_, options) in contexts.items()}
    chosen = {key: set() for key in contexts}
    room = limit - elsewhere - sum(len(options) for _, options in contexts.values())
    queues = [[(key, unit) for unit in _units(wishes)] for key, (wishes, _) in contexts.items()]
    for key, unit in filter(None, itertools.chain.from_iterable(itertools.zip_longest(*queues))):
        lacking = [name for name in unit if name not in there[key]]
        chosen[key].update(name for name in unit if name in there[key])
        parent = unit[0][0]
        has_parent = parent is None or (None, parent) in chosen[key]
        if len(lacking) <= room and has_parent:
            chosen[key].update(lacking)
            room -= len(lacking)
        else:
            plans[key].left_out += lacking
    for key, (wishes, options) in contexts.items():
        wanted = {there[key][name].id for name in chosen[key] if name in there[key]}
        plans[key].create = [name for name in shown(wishes) if name in chosen[key] and name not in there[key]]
        plans[key].enable = [one.id for one in options if one.disabled and one.id in wanted]
        plans[key].disable = [one.id for one in options if not one.disabled and one.id not in wanted]
    return plans


def shown(wishes):
    """All names of Wishes in the order in which they are shown: the parents by letters, then their children."""
    ordered = sorted(wishes, key=lambda wish: (wish.value.casefold(), wish.value))
    yield from ((None, wish.value) for wish in ordered)
    yield from ((wish.value, child) for wish in ordered for child in wish.children)


def moves(wishes, options):
    """
    The moves that bring the enabled ones among the Options into the order in which they are shown, and no more of them
    than have to move: (ids, the id behind which they go; None: to the first place), to be done in this order.
    """
    places = {name: place for place, name in enumerate(shown(wishes))}
    names = {one.id: name for name, one in _by_name(options).items()}
    levels = {}
    for one in options:
        if not one.disabled and names.get(one.id) in places:
            levels.setdefault(one.parent, []).append((places[names[one.id]], one.id))
    found = []
    for level in levels.values():
        # In the order in which they are; those of a longest rising sequence stay.
        stay = set(_rising([place for place, _ in level]))
        before, run = None, []
        for place, number in sorted(level):
            if place in stay:
                if run:
                    found.append((tuple(run), before))
                    run = []
                before = number
            else:
                run.append(number)
        if run:
            found.append((tuple(run), before))
    return found


def flat(wishes):
    """Package Wishes as Wishes of one level, ``NAME VERSION``, by their weight; keywords come behind a version."""
    return [Wish(f"{parent} {value}") for unit in _units(wishes) for parent, value in unit[::-1] if parent is not None]


def _units(wishes):
    """What is taken or left as one, by weight: each with its newest version, then each with one more."""
    first = len(KEYWORDS) + 1
    for wish in wishes:
        yield [(None, wish.value), *((wish.value, child) for child in wish.children[:first])]
    for number in range(first, max((len(wish.children) for wish in wishes), default=0)):
        yield from ([(wish.value, wish.children[number])] for wish in wishes if number < len(wish.children))


def _by_name(options):
    """
    {(value of the parent or None, value): Option}; of several with one name the first that is enabled, or any. What is
    below another one of that name counts as not there.
    """
    found = {}
    for one in sorted((one for one in options if one.parent is None), key=lambda one: one.disabled):
        found.setdefault((None, one.value), one)
    values = {one.id: one.value for one in found.values()}
    for one in sorted((one for one in options if one.parent in values), key=lambda one: one.disabled):
        found.setdefault((values[one.parent], one.value), one)
    return found


def _rising(numbers):
    """A longest rising sequence of different numbers."""
    ends, before = [], {}  # the least end of a sequence of each length; number -> the one before it
    for number in numbers:
        length = bisect.bisect_left(ends, number)
        before[number] = ends[length - 1] if length else None
        ends[length : length + 1] = [number]
    number, found = ends[-1] if ends else None, []
    while number is not None:
        found.append(number)
        number = before[number]
    return found
