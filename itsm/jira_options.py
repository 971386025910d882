"""
The options of fields of a Jira site, read and written.

The Cloud takes them from administrators. Each pass reads what there is and does what lacks then, so one that was cut
off is gone on with by the next. Data Center lets nobody write options: there it is only found what should be changed.
"""

import time

from ..errors import InputError
from . import options
from .ticket import Away

BATCH = 1000  # what one question may create, change or move
PAGE, CONTEXTS_PAGE, LIST_PAGE = 100, 50, 1000
PAGES_MAX = 1000
PASSES = 6
PAUSE_S = 0.03  # between two questions, as each kind of them may come 50 times a second
REST = {"cloud": "/rest/api/3", "datacenter": "/rest/api/2"}


class JiraOptions:
    """
    The options of one site.

    system
        Its jira.Jira.
    limit
        How many options a field can have.
    sleep
        Waits for so many seconds.
    """

    def __init__(self, system, limit=options.LIMIT, sleep=time.sleep):
        self._http = system.client.http
        self._is_cloud = system.own.api == "cloud"
        self._rest = REST[system.own.api]
        self._offers = system.own.options
        self._limit, self._sleep = limit, sleep

    def sync(self, wishes_of, is_tried=False):
        """
        Yield a Done for each Offer of the site, once its field is as it shall be; where ``is_tried`` or in Data
        Center nothing is written.

        wishes_of
            Gives (wishes, unusable) for an Offer, as options.package_wishes() does.

        Raises InputError for a context that is not there, Away, Denied, and what ``wishes_of`` raises.
        """
        for name in dict.fromkeys(offer.field for offer in self._offers):
            offers = [offer for offer in self._offers if offer.field == name]
            yield from self._sync_field(name, {offer: wishes_of(offer) for offer in offers}, is_tried)

    def _sync_field(self, name, wanted, is_tried):
        keys = self._keys(name, wanted)
        reads_only = is_tried or not self._is_cloud
        done = {
            key: options.Done(name, key, offer.offers, reads_only, unusable=[*map(list, wanted[offer][1])])
            for key, offer in keys.items()
        }
        wishes = {key: wanted[offer][0] for key, offer in keys.items()}
        for key in [key for key, content in wishes.items() if not content]:
            # An inventory that was not filled yet must not take everything away.
            done[key].note = f"no {keys[key].offers} are known for it, so all stays as it is"
            del wishes[key]
        for _ in range(PASSES if wishes else 0):
            there, elsewhere = self._read(name, wishes)
            plans = options.plan({key: (wishes[key], there[key]) for key in wishes}, elsewhere, self._limit)
            moves = {key: [] if plans[key] else options.moves(wishes[key], there[key]) for key in wishes}
            for key, plan in plans.items():
                done[key].left_out = [list(left) for left in plan.left_out]
                self._count(done[key], plan, moves[key])
                if not done[key].is_tried:
                    self._write(name, key, plan, moves[key], there[key], done[key])
            if reads_only or not any(map(bool, (*plans.values(), *moves.values()))):
                break
        else:
            if wishes:
                raise Away(f"{self._http.name}: the options of {name} do not stay as they were made")
        if not self._is_cloud:
            for one in done.values():
                one.note = one.note or "Data Center's interface writes no options: change them there by hand"
        yield from done.values()

    def _count(self, done, plan, moves):
        """Count what is only tried; what is done is counted as it is written."""
        if done.is_tried:
            done.created, done.enabled, done.disabled = len(plan.create), len(plan.enable), len(plan.disable)
            done.moved = sum(len(numbers) for numbers, _ in moves)

    def _keys(self, name, offers):
        """{id of the context: Offer}; Data Center tells of no contexts, and has one for all."""
        if not self._is_cloud:
            if len(offers) > 1:
                raise InputError(f"{name}: Data Center does not tell of contexts: offer one thing there")
            return dict.fromkeys([None], next(iter(offers)))
        contexts = self._contexts(name)
        keys = {}
        for offer in offers:
            fit = [one["id"] for one in contexts if offer.context in (None, one["id"], one["name"])]
            if len(fit) != 1:
                known = ", ".join(f"{one['id']} ({one['name']})" for one in contexts) or "none"
                problem = "has no such context" if offer.context else "has not just one context: name the one meant"
                raise InputError(f"{name}: {offer.context or ''} {problem}; there is: {known}".replace(":  ", ": "))
            if fit[0] in keys:
                raise InputError(f"{name}: the context {fit[0]} is named twice")
            keys[fit[0]] = offer
        return keys

    def _contexts(self, name):
        return [
            {"id": str(one["id"]), "name": one["name"]}
            for one in self._pages(f"{self._rest}/field/{name}/context", CONTEXTS_PAGE)
        ]

    def _read(self, name, wishes):
        """({key: Options in their order}, how many the field has in other contexts)."""
        if not self._is_cloud:
            return {None: self._listed(name)}, 0
        found, elsewhere = {}, 0
        for context in self._contexts(name):
            there = [
                options.Option(
                    str(one["id"]),
                    one["value"],
                    bool(one.get("disabled")),
                    None if one.get("optionId") is None else str(one["optionId"]),
                )
                for one in self._pages(f"{self._rest}/field/{name}/context/{context['id']}/option", PAGE)
            ]
            if context["id"] in wishes:
                found[context["id"]] = there
            else:
                elsewhere += len(there)
        return found, elsewhere

    def _listed(self, name):
        """The options of a field of Data Center."""
        number = name.removeprefix("customfield_")
        rows = []
        for page in range(1, PAGES_MAX):
            path = f"/rest/api/2/customFields/{number}/options"
            content = self._ask("GET", path, params={"maxResults": LIST_PAGE, "page": page})
            rows += content["options"]
            if content.get("isLast", True) or not content["options"]:
                break
        parents = {str(child): str(row["id"]) for row in rows for child in row.get("childrenIds") or ()}
        return [
            options.Option(str(row["id"]), row["value"], bool(row.get("disabled")), parents.get(str(row["id"])))
            for row in rows
        ]

    def _write(self, name, key, plan, moves, there, done):
        """Do what can be done by what was read: children of parents that are made now are made by the next pass."""
        path = f"{self._rest}/field/{name}/context/{key}/option"
        for numbers, is_disabled in ((plan.enable, False), (plan.disable, True)):
            for batch in _batches(numbers):
                self._ask("PUT", path, {"options": [{"id": one, "disabled": is_disabled} for one in batch]})
                done.disabled += len(batch) if is_disabled else 0
                done.enabled += 0 if is_disabled else len(batch)
        parents = {one.value: one.id for one in there if one.parent is None}
        ready = [(parent, value) for parent, value in plan.create if parent is None or parent in parents]
        for batch in _batches(ready):
            content = [
                {"value": value, "disabled": False, **({} if parent is None else {"optionId": parents[parent]})}
                for parent, value in batch
            ]
            self._ask("POST", path, {"options": content})
            done.created += len(batch)
        for numbers, before in moves:
            for batch in _batches(numbers):
                place = {"position": "First"} if before is None else {"after": before}
                self._ask("PUT", f"{path}/move", {"customFieldOptionIds": list(batch), **place})
                done.moved += len(batch)
                before = batch[-1]

    def _pages(self, path, size):
        start = 0
        for _ in range(PAGES_MAX):
            page = self._ask("GET", path, params={"startAt": start, "maxResults": size})
            yield from page["values"]
            start += len(page["values"])
            if page.get("isLast", True) or not page["values"]:
                return
        raise Away(f"{self._http.name}: {path} has no end")

    def _ask(self, method, path, content=None, params=None):
        self._sleep(PAUSE_S)
        return self._http.request(method, path, params=params, content=content).content


def _batches(items):
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
