"""A month at a company that approves what changes on its machines, lived through the database's own functions.

Each story is a generator that does something and yields how long nothing happens to it then. They are told in the order
of time, interleaved, until the present: whatever has not come to its end by then is what waits there today. One seed
tells one month; only which of its days are Sundays, the calendar says.
"""

import contextlib
import datetime
import functools
import hashlib
import heapq
import itertools
import json
import random

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from .. import _core
from . import fleet
from .past import Steps

DAYS = 30
REQUESTS_A_DAY = 5
SITE = "jira-corp"
# The logins of the parts; people have logins of their own.
TICKETS, ENGINE, RETURNER, RUNNER = "salt_itsm", "salt_engine", "salt_returner", "salt_runner"
PEOPLE = ("ines", "tom", "nadia", "oleg", "priya", "marcus", "yuki", "lena", "samuel", "carla")
REQUESTERS = ("tom", "yuki", "lena", "carla", "samuel", "nadia")
REVIEWERS, MANAGERS = ("nadia", "oleg"), ("priya", "marcus")
APPROVER, REQUESTER = "ines", "tom"
PAYLOAD = _core.compress(b"\x80")  # an empty mapping: nobody reads what these minions said besides
MOST_STEPS = 5_000
OVERLAPS = "AP018"
# Requests of everyday life: type, group, how many of it at most, package (None: to be absent), why.
EVERYDAY = (
    ("package", "web", 12, "nginx", "Security update DSA-6001, reload tested on web-fra-001"),
    ("package", "web", 6, "haproxy", "Fixes the 502s after certificate renewals"),
    ("package", "applications", 25, "openjdk-17-jre-headless", "October CPU, staging ran it for a week"),
    ("package", "applications", 10, "redis-server", "CVE-2025-49844, urgent but not burning"),
    ("package", "applications", 40, "libxml2", "DSA-5990, restarts of the workers are planned"),
    ("package", "databases", 4, "postgresql-15", "Minor release, replicas first"),
    ("package", "databases", 3, "rsync", "The backup moves off scp"),
    ("package", "office", 60, "chromium", "Weekly browser update"),
    ("package", "office", 30, "cups", "Printers on the third floor stop after sleep"),
    ("package", "office", 20, "wireguard-tools", "Home office for the new colleagues"),
    ("package", "build", 5, "docker.io", "The new pipeline needs it"),
    ("package", "build", 8, "git", "Sparse checkouts, asked for by the app team"),
    ("package-standard", "applications", 5, "jq", "Reading health endpoints in scripts"),
    ("package-standard", "web", 4, "tmux", "Long migrations from a terminal"),
    ("package-standard", "databases", 2, "strace", "Looking at stalls of the replica"),
    ("package", "web", 90, "curl", "DSA-5997, used by the health checks"),
    ("package", "shops", 120, "tzdata", "Opening hours were wrong after the change of clocks"),
)
BASELINE = {
    "shops": ("till-app", "openssl"), "web": ("nginx", "openssl"), "databases": ("postgresql-15", "openssl"),
    "applications": ("openjdk-17-jre-headless", "openssl"), "build": ("git", "openssl"),
    "office": ("chromium", "openssl"),
}  # fmt: skip
FAILURES = (
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 2211 (unattended-upgr)",
    "dpkg: error: cannot copy extracted data for './usr/sbin/nginx' to '/usr/sbin/nginx.dpkg-new': No space left "
    "on device",
    "E: Failed to fetch http://deb.example.com/pool/main: Could not connect: connection timed out",
)
# Jobs that people and schedules run all day: how many of a hundred, the function, its command, its user, its group.
JOBS = (
    (30, "test.ping", "salt '{target}' test.ping", "monitoring", None),
    (20, "state.apply", "salt '{target}' state.apply", "root", "web"),
    (14, "state.apply", "salt '{target}' state.apply test=True", "sudo_lena", "applications"),
    (12, "cmd.run", "salt '{target}' cmd.run 'systemctl status nginx'", "sudo_samuel", "web"),
    (10, "pkg.list_upgrades", "salt '{target}' pkg.list_upgrades", "sudo_tom", "databases"),
    (8, "disk.usage", "salt '{target}' disk.usage", "sudo_yuki", "databases"),
    (6, "service.restart", "salt '{target}' service.restart till-app", "sudo_carla", "shops"),
)
JOBS_A_DAY = 120

FOUND = """
WITH asked AS (
    SELECT d.minion_id, d.revision, d.digest, e.*, %(odd)s::jsonb -> d.minion_id -> e.name AS odd
    FROM approval.document AS d CROSS JOIN LATERAL unnest(d.kinds, d.names, d.contents) AS e (kind, name, content)
    WHERE d.minion_id = ANY (%(minions)s) AND d.valid_from <= clock_timestamp() AND d.valid_until > clock_timestamp()
)
SELECT a.minion_id, coalesce(max(a.odd ->> 0), 'converged'), a.revision, a.digest,
    json_agg(json_build_array(a.kind, a.name, coalesce(a.odd ->> 0, 'converged'), coalesce(a.odd ->> 1, 'observed'),
        a.content, CASE WHEN a.odd IS NULL THEN a.content ELSE a.odd ->> 2 END, 'evidence', coalesce(a.odd ->> 3, CASE
            WHEN a.content IS NULL THEN format('%%s is not installed, as approved.', a.name)
            WHEN a.kind = 'package' THEN format('%%s is installed in version %%s, as approved.', a.name, a.content)
            ELSE format('%%s is %%s, as approved.', a.name, a.content) END)) ORDER BY a.kind, a.name)::text,
    json_agg(json_build_array(a.kind, a.name, %(before)s::jsonb ->> a.name))::text
FROM asked AS a GROUP BY a.minion_id, a.revision, a.digest ORDER BY a.minion_id
"""
RECORD = """
SELECT count(*) FROM approval.record_returns(%(jids)s, %(minions)s, %(funs)s, %(retcodes)s, %(successes)s, %(verdicts)s,
    %(proven)s, %(revisions)s, %(digests)s, %(runs)s, %(boots)s, %(findings)s, %(befores)s, %(payloads)s,
    %(payload_digests)s)
"""
# The jobs of each day, at times of the day that a hash picks.
LOGGED = """
INSERT INTO approval.job_log (jid, published_at, fun, job_user, tgt, tgt_type, command, is_test, is_claim, minion_count,
    minions, ok, failed, silent, duration_s)
SELECT to_char(j.at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS'), j.at, %(fun)s, %(user)s, m.minion_id, 'glob',
    replace(%(command)s, '{target}', m.minion_id), %(command)s LIKE '%%test=True', false, 1, ARRAY[m.minion_number],
    (j.chance < 96)::integer, (j.chance IN (96, 97))::integer, (j.chance > 97)::integer, 0.4 + j.chance / 20.0
FROM (SELECT n, h, abs(h / 7 %% 100) AS chance, now() - make_interval(secs => 60 + abs(h %% (86400 * %(days)s))) AS at
      FROM (SELECT n, hashtextextended(%(command)s, n) AS h FROM generate_series(1, %(count)s) AS n) AS drawn) AS j
JOIN (SELECT n.minion_id, n.minion_number, row_number() OVER (ORDER BY n.minion_id) AS place, count(*) OVER () AS count
      FROM approval.minion_number AS n JOIN approval.minion_group_member AS g USING (minion_id)
      WHERE %(group)s::text IS NULL OR g.group_name = %(group)s) AS m ON m.place = 1 + abs(j.h / 11 %% m.count)
ON CONFLICT DO NOTHING
"""


def hours(least, most, chance):
    """A span between two numbers of hours."""
    return datetime.timedelta(hours=chance.uniform(least, most))


class Month:
    """
    The month up to now, in a new database with the shipped types.

    conn
        A psycopg connection of the superuser, in autocommit, with rows as tuples.
    load_policy
        A function that loads a policy, given as text in YAML.
    size
        How many minions there are.
    tell
        Called with a sentence now and then, of what is done.
    """

    def __init__(self, conn, load_policy, size=2_000, seed=1, tell=lambda sentence: None):
        self._conn = conn
        self._load_policy = load_policy
        self._tell = tell
        self._chance = random.Random(seed)  # noqa: S311 (a story, and no secret)
        self._steps = Steps(conn)
        self._groups = fleet.groups(size)
        self._places = dict.fromkeys(fleet.VERSIONS, 0)
        self._orders = itertools.count()
        self._plans = []

    def live(self, policy):
        """Live it, under the ``policy`` (text in YAML), in which OPENS stands for when the window first opened."""
        present = self._steps.now()
        self._start(present, policy)
        self._plan_all(present)
        told_day = None
        while self._plans:
            at, _, story = heapq.heappop(self._plans)
            if at > present:
                continue
            day = (present - at).days
            if day != told_day and day % 5 == 0:
                told_day = day
                self._conn.execute("ANALYZE")
                self._tell(f"{day} days ago" if day else "today")
            self._steps.begin(at)
            try:
                self._plan(at + next(story), story)
            except StopIteration:
                continue
            except psycopg.Error as exc:
                # A story that contradicts one that is under way waits for it, and is one of today.
                if exc.sqlstate != OVERLAPS:
                    raise
        self._tell("putting it in its place")
        self._end()

    def _start(self, present, policy):
        every = sorted({minion for minions in self._groups.values() for minion in minions})
        self._tell(f"{len(every):,} minions")
        self._steps.begin(present - datetime.timedelta(days=DAYS, hours=2))
        for name in PEOPLE:
            self._conn.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE approval_person").format(sql.Identifier(name)))
        self._query("SELECT approval.put_minions(%s)", every)
        titles = fleet.titles()
        for group, minions in self._groups.items():
            self._query("SELECT approval.put_minion_group(%s, %s, %s)", group, titles[group], minions)
        facts = [[value] * len(every) for value in ("Debian", "Debian", "amd64", "Linux", "12", "3008.4")]
        self._query("SELECT approval.note_facts(%s, %s, %s, %s, %s, %s, %s, %s)", every, *facts, [None] * len(every))
        self._query("SELECT count(approval.packed_minions(%s))", every)
        fleet.put_catalog(self._conn)
        self._load_policy(policy.replace("OPENS", self._opening(present)))
        for statement in ("ANALYZE approval.minion", "ANALYZE approval.minion_group_member"):
            self._conn.execute(statement)

    @staticmethod
    def _opening(present):
        """When the maintenance window first opened: in the night three days from now, and weekly since long ago."""
        opens = present.date() + datetime.timedelta(days=3) - datetime.timedelta(weeks=52)
        return f"{opens} 22:00"

    def _plan_all(self, present):
        chance = self._chance
        begin = present - datetime.timedelta(days=DAYS)
        for number, (group, packages) in enumerate(BASELINE.items()):
            self._plan(begin + datetime.timedelta(minutes=7 * number), self._baseline(group, packages))
        for day in range(1, DAYS + 1):
            midnight = (begin + datetime.timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
            busy = REQUESTS_A_DAY if midnight.weekday() < 5 else 1
            for _ in range(busy):
                self._plan(midnight + hours(7, 17, chance), self._everyday(*chance.choice(EVERYDAY)))
        ago = functools.partial(self._at, present)
        self._plan(ago(26), self._openssl())
        self._plan(
            ago(21), self._emergency("openssh-server", "web", "Exploited in the wild, patched by hand on web-fra-003")
        )
        self._plan(ago(18), self._reverted())
        self._plan(ago(15.5), self._expired())
        self._plan(ago(12), self._service())
        self._plan(ago(9), self._superseded())
        self._plan(ago(6), self._value())
        self._plan(ago(4), self._shops("till-app", 3))
        self._plan(ago(2), self._shops("shop-display", 0))
        self._plan(ago(3), self._kernel("databases", 8))
        self._plan(ago(1.4), self._kernel("web", 20))
        self._plan(ago(1), self._drifting())
        self._plan(ago(0.9), self._emergency("sudo", "office", "Privilege escalation, CERT warning of this night"))
        for number, asked in enumerate(EVERYDAY[:9]):
            self._plan(ago(0.03 + number / 25), self._waiting(*asked))
        self._plan(ago(0.05), self._waiting("package", "shops", 400, "sudo", "CVE-2025-32463, all tills of the north"))

    @staticmethod
    def _at(present, days):
        return present - datetime.timedelta(days=days)

    def _plan(self, at, story):
        heapq.heappush(self._plans, (at, next(self._orders), story))

    def _end(self):
        """What is so today, whatever was lived: put after the steps, which do not move it any more."""
        self._query("SELECT approval.settle_alarms()")
        self._steps.settle()
        count = DAYS * JOBS_A_DAY
        for share, fun, command, user, group in JOBS:
            given = {"fun": fun, "command": command, "user": user, "group": group, "days": DAYS}
            self._conn.execute(LOGGED, {**given, "count": count * share // 100})
        self._night()
        self._conn.execute("UPDATE approval.catalog SET seen_at = now(), agreed_at = now()")
        self._conn.execute("UPDATE approval.catalog_member SET seen_at = now()")
        self._conn.execute("UPDATE approval.minion_fact SET seen_at = now() - random() * interval '50 minutes'")
        while self._query("SELECT approval.seal_audit()"):
            pass
        while self._query("SELECT approval.maintain_standings()"):
            pass
        self._conn.execute("ANALYZE")

    def _night(self):
        """The state run of last night, from which some minions did not return."""
        minions = [*self._groups["office"][:200], *self._groups["shops"][:200]]
        # A small fleet, too, must have some of which nothing worse is to be said.
        silent = set(minions[3::17])
        self._conn.execute("UPDATE approval.silence_mark SET published_at = now() - interval '1 day'")
        at = self._steps.now() - datetime.timedelta(hours=3)
        jid = f"{at:%Y%m%d%H%M%S%f}"
        self._save_job(jid, "state.apply", minions, "root", "salt -C 'G@role:desk or G@role:till' state.apply", at)
        self._returned(jid, [minion for minion in minions if minion not in silent])
        self._query("SELECT approval.note_silence('1 hour')")

    # Stories.

    def _baseline(self, group, packages):
        minions = self._groups[group]
        yield datetime.timedelta(0)
        wanted = {package: fleet.VERSIONS[package][0] for package in packages}
        number = self._submit(
            "nadia", "package", minions, wanted, f"What runs on the {group} already, from now on approved"
        )
        yield datetime.timedelta(minutes=30)
        yield from self._approved(number, "nadia")
        self._send(number, {}, {})

    def _everyday(self, kind, group, most, package, reason):
        chance = self._chance
        minions = chance.sample(self._groups[group], chance.randint(1, min(most, len(self._groups[group]))))
        version, before = self._next_version(package)
        requester = chance.choice(("lena", "samuel") if kind == "package-standard" else REQUESTERS)
        by_ticket = kind == "package" and requester in ("tom", "yuki", "nadia", "carla") and chance.random() < 0.4
        number = self._submit(requester, kind, minions, {package: version}, reason, by_ticket)
        fate = chance.random()
        if kind != "package-standard":
            yield hours(0.2, 3, chance)
            if fate < 0.06:
                self._decide(
                    number,
                    chance.choice([name for name in REVIEWERS if name != requester]),
                    "reject",
                    chance.choice(
                        ("Not on a Friday, please", "Which ticket is this for?", "The replicas first, then the primary")
                    ),
                )
                return
            if fate < 0.1:
                self._act("cancel_request", requester, number, "Found another way")
                return
            yield from self._approved(number, requester)
        yield datetime.timedelta(seconds=chance.randint(20, 90))
        odd = {}
        if fate > 0.88:
            unlucky = chance.sample(minions, max(1, len(minions) // 9))
            why = chance.choice(FAILURES)
            odd = {minion: {package: ["failed", "apply-failed", before, why]} for minion in unlucky}
        self._send(number, odd, {package: before})

    def _waiting(self, kind, group, most, package, reason):
        """Asked for of late: it waits for its first or its second approval."""
        chance = self._chance
        minions = self._groups[group][:most]
        versions = fleet.VERSIONS[package]
        number = self._submit(
            chance.choice(("tom", "yuki", "carla")),
            "package",
            minions,
            {package: versions[-1]},
            reason,
            chance.random() < 0.3,
        )
        yield datetime.timedelta(minutes=2)
        self._put_plan(number, minions, package, versions[0], versions[-1])
        yield datetime.timedelta(minutes=chance.randint(10, 50))
        if chance.random() < 0.6:
            self._decide(number, "oleg", "approve", "Tried on the test machines")

    def _openssl(self):
        minions = sorted({minion for group in BASELINE for minion in self._groups[group]})
        version = fleet.VERSIONS["openssl"][1]
        number = self._submit("nadia", "package", minions, {"openssl": version}, "DSA-6015: openssl, everywhere")
        yield datetime.timedelta(hours=1)
        yield from self._approved(number, "nadia")
        away = self._chance.sample(minions, max(1, len(minions) // 100))
        odd = {
            minion: {"openssl": ["failed", "apply-failed", fleet.VERSIONS["openssl"][0], FAILURES[1]]}
            for minion in away[:3]
        }
        self._send(number, odd, {"openssl": fleet.VERSIONS["openssl"][0]}, silent=away[3:])

    def _emergency(self, package, group, reason):
        minions = self._groups[group][:30]
        version, before = fleet.VERSIONS[package][-1], fleet.VERSIONS[package][0]
        number = self._submit("carla", "emergency", minions, {package: version}, reason)
        yield datetime.timedelta(minutes=4)
        self._decide(number, "samuel", "approve", "On call, seen with carla on the phone")
        yield datetime.timedelta(seconds=40)
        self._send(number, {}, {package: before})

    def _reverted(self):
        minions = self._groups["applications"][:18]
        number = self._submit(
            "yuki", "package", minions, {"htop": fleet.VERSIONS["htop"][0]}, "Looking at the memory of the workers"
        )
        yield hours(1, 2, self._chance)
        yield from self._approved(number)
        self._send(number, {}, {"htop": None})
        yield datetime.timedelta(days=2)
        back = self._act("revert_request", "yuki", number, None, "Found it; not needed any more")
        yield hours(0.5, 2, self._chance)
        self._decide(back, "priya", "approve", "")
        yield datetime.timedelta(seconds=30)
        self._send(back, {}, {})

    def _expired(self):
        number = self._submit(
            "tom",
            "package",
            self._groups["build"][:2],
            {"vim": fleet.VERSIONS["vim"][0]},
            "An editor on the build machines",
        )
        yield datetime.timedelta(days=14)
        self._conn.execute(
            "UPDATE approval.request SET expires_at = clock_timestamp() WHERE request_id = %s", (number,)
        )
        with self._as(ENGINE):
            self._query("SELECT approval.expire_due()")

    def _superseded(self):
        minions = self._groups["databases"][:6]
        first, second = fleet.VERSIONS["postgresql-15"][1:]
        number = self._submit(
            "yuki", "package", minions, {"postgresql-15": first}, "Minor release, the reporting databases"
        )
        yield hours(1, 2, self._chance)
        yield from self._approved(number)
        yield datetime.timedelta(hours=5)
        number = self._submit(
            "yuki",
            "package",
            minions,
            {"postgresql-15": second},
            "The next one came out before we restarted",
            overlap="supersede",
        )
        yield hours(0.5, 2, self._chance)
        yield from self._approved(number)
        self._send(number, {}, {"postgresql-15": fleet.VERSIONS["postgresql-15"][0]})

    def _service(self):
        minions = self._groups["office"][:40]
        number = self._submit(
            "lena", "service", minions, {"cups-browsed": "dead"}, "Listens on the network, nobody needs it"
        )
        yield hours(1, 4, self._chance)
        self._decide(number, "marcus", "approve", "")
        yield datetime.timedelta(seconds=30)
        self._send(number, {}, {"cups-browsed": "running"})

    def _value(self):
        minions = self._groups["web"][:40]
        number = self._submit(
            "samuel", "value", minions, {"motd": '"Maintained by the web team, #web-ops"'}, "Who to call stands nowhere"
        )
        yield hours(1, 4, self._chance)
        self._decide(number, "priya", "approve", "")
        yield datetime.timedelta(seconds=30)
        self._send(number, {}, {"motd": '""'})

    def _shops(self, package, failing):
        """A rollout in the shops: it halts where more fail than may."""
        minions = self._groups["shops"][: 5 * fleet.TILLS + len(self._groups["shops"]) // 8]
        version, before = fleet.VERSIONS[package][1], fleet.VERSIONS[package][0]
        number = self._submit(
            "carla", "package-shops", minions, {package: version}, f"{package} {version}: vouchers on the receipt"
        )
        yield hours(1, 3, self._chance)
        self._decide(number, "marcus", "approve", "The test shop knows")
        why = "the post-installation script failed: cannot open display :0 (till.service is not running)"
        odd = {minion: {package: ["failed", "apply-failed", before, why]} for minion in minions[1 : 1 + failing]}
        for _ in range(8):
            yield datetime.timedelta(minutes=6)
            self._advance(number)
            self._send(number, odd, {package: before})

    def _kernel(self, group, count):
        """Approved, and held back until the maintenance window opens."""
        minions = self._groups[group][:count]
        version = fleet.VERSIONS["linux-image-amd64"][-1]
        number = self._submit(
            "tom", "kernel", minions, {"linux-image-amd64": version}, "DSA-6053, reboots follow in the same night"
        )
        yield hours(1, 4, self._chance)
        yield from self._approved(number)

    def _drifting(self):
        """Checks that found some machines otherwise than they were, of which one is mended again."""
        yield datetime.timedelta(0)
        web, desks = self._groups["web"], self._groups["office"]
        older = [
            "drift",
            "wrong-version",
            "1.22.1-9",
            "nginx is installed in version 1.22.1-9; approved is another one.",
        ]
        gone = ["drift", "missing", None, "chromium is not installed; approved is a version of it."]
        odd = {minion: {"nginx": older} for minion in web[4:7]}
        odd |= {minion: {"chromium": gone} for minion in desks[10:16:2]}
        self._check(odd)
        yield datetime.timedelta(hours=5)
        self._check({minion: {} for minion in web[6:7]})

    # Parts of which these are made.

    def _approved(self, number, requester=""):
        """Both stages of the chain, with a pause after each; the demo's approver leaves them to others."""
        chance = self._chance
        self._decide(
            number,
            chance.choice([name for name in REVIEWERS if name != requester]),
            "approve",
            chance.choice(("", "", "Looks right", "Tried on the test machines", "Same as last month")),
        )
        yield hours(0.2, 4, chance)
        self._decide(
            number, chance.choice(MANAGERS), "approve", chance.choice(("", "", "In the change calendar", "OK"))
        )
        yield datetime.timedelta(seconds=chance.randint(10, 60))

    def _next_version(self, package):
        """A newer version than the last one that was asked for, where there is one; and the one before."""
        versions = fleet.VERSIONS[package]
        place = self._places[package] = min(self._places[package] + 1, len(versions) - 1)
        return versions[place], versions[place - 1] if place else None

    def _submit(self, name, kind, minions, wanted, reason, by_ticket=False, overlap="supersede"):
        of = "package" if kind not in ("service", "value") else kind
        pairs = [(minion, of, item, content) for minion in minions for item, content in wanted.items()]
        columns = [list(column) for column in zip(*pairs, strict=True)]
        if not by_ticket:
            return self._act("submit_request", name, kind, reason, *columns, None, "pg", None, None, overlap)
        key = f"OPS-{4100 + next(self._orders)}"
        digest = hashlib.sha256(json.dumps(columns).encode()).hexdigest()
        ticket = {"id": str(50_000 + next(self._orders)), "key": key, "digest": digest}
        ticket["url"] = f"https://example.atlassian.net/browse/{key}"
        with self._as(TICKETS):
            return self._query(
                "SELECT request_id FROM approval.ask_by_ticket(%s, %s, NULL, %s, %s, %s, %s, %s, %s, %s, NULL, '{}')",
                SITE, f"5b10{name}", Jsonb(ticket), kind, reason, *columns,
            )  # fmt: skip

    def _decide(self, number, name, decision, comment):
        self._act("decide", name, number, decision, comment, None)

    def _act(self, function, name, *arguments):
        """What a function gives by which somebody acts, who came by their own login."""
        call = sql.SQL("SELECT approval.{}('pg', {})").format(
            sql.Identifier(function), sql.SQL(", ").join([sql.Placeholder()] * (1 + len(arguments)))
        )
        with self._as(name):
            return self._query(call, name, *arguments)

    def _put_plan(self, number, minions, package, before, after):
        digest = self._query(
            "SELECT digest FROM approval.item_set WHERE request_id = %s ORDER BY item_set_version DESC LIMIT 1", number
        )
        change = {package: {"old": before, "new": after}}
        silent = {"outcome": "silent", "changes": {}, "comment": "The minion did not answer."}
        changes = {"outcome": "changes", "changes": change, "comment": ""}
        answers = [{"minion": minion, **(changes if place % 11 else silent)} for place, minion in enumerate(minions, 1)]
        with self._as(RUNNER):
            self._query("SELECT approval.put_plan('salt', 'nadia', %s, %s, %s)", number, digest, Jsonb(answers))

    def _send(self, number, odd, before, silent=()):
        """What the engine sends of a request now, and how its minions return."""
        minions = self._every(number)
        while True:
            with self._as(ENGINE):
                rows = self._conn.execute(
                    "SELECT * FROM approval.take_dispatches(%s, %s, %s)", (number, minions, MOST_STEPS)
                ).fetchall()
            for step in ("ping", "apply"):
                pairs = [(minion, item) for minion, item, what, *_ in rows if what == step]
                if pairs:
                    self._send_step(number, step, pairs, odd, before, silent)
            if not any(row[2] == "ping" for row in rows):
                return
            self._advance(number)

    def _advance(self, number):
        with self._as(ENGINE):
            self._query("SELECT approval.advance_rollout(%s)", number)

    def _send_step(self, number, step, pairs, odd, before, silent):
        jid = self._new_jid()
        minions, items = (list(column) for column in zip(*pairs, strict=True))
        fun = "test.ping" if step == "ping" else "state.apply"
        with self._as(ENGINE):
            begun = self._conn.execute(
                "SELECT * FROM approval.begin_dispatches(%s, %s, %s, %s, %s)", (number, minions, items, step, jid)
            ).fetchall()
            sent = [(minion, item) for minion, item in pairs if (minion,) in set(begun)]
            if not sent:
                return
            minions, items = (list(column) for column in zip(*sent, strict=True))
            self._query("SELECT approval.note_sent(%s, %s, %s, %s, true)", number, minions, items, jid)
        command = f"salt -L '{','.join(minions)}' {'test.ping' if step == 'ping' else 'state.apply approval'}"
        self._save_job(jid, fun, minions, "salt", command)
        if step == "ping":
            self._record(jid, fun, [(minion, "unproven", None, None, "[]", None) for minion in minions], False)
        else:
            self._returned(jid, [minion for minion in minions if minion not in silent], odd, before)

    def _check(self, odd):
        """Some minions apply their states, and tell; those of ``odd`` what is not as approved."""
        jid, minions = self._new_jid(), list(odd)
        self._save_job(jid, "state.apply", minions, "root", f"salt -L '{','.join(minions)}' state.apply")
        self._returned(jid, minions, odd)

    def _every(self, number):
        rows = self._conn.execute(
            "SELECT DISTINCT minion_id FROM approval.item WHERE request_id = %s", (number,)
        ).fetchall()
        return [minion for (minion,) in rows]

    def _save_job(self, jid, fun, minions, user, command, at=None):
        target = minions[0] if len(minions) == 1 else ",".join(minions)
        with self._as(RETURNER):
            self._query(
                "SELECT approval.save_load(%s, %s, %s, 'list', %s, %s, %s, false, %s, %s)",
                jid, fun, target, user, minions, PAYLOAD, at and at.timestamp(), command,
            )  # fmt: skip

    def _returned(self, jid, minions, odd=None, before=None):
        """These minions return evidence of all that is approved for them, and that of ``odd`` as that says."""
        given = {"minions": minions, "odd": Jsonb(odd or {}), "before": Jsonb(before or {})}
        self._record(jid, "state.apply", self._conn.execute(FOUND, given).fetchall(), True)

    def _record(self, jid, fun, rows, are_proven):
        """Record returns, given as (minion, verdict, revision, digest, findings, what was before)."""
        if not rows:
            return
        minions, verdicts, revisions, digests, findings, befores = (list(column) for column in zip(*rows, strict=True))
        runs = [hashlib.sha256(f"{jid} {minion}".encode()) for minion in minions]
        given = {
            "minions": minions, "verdicts": verdicts, "revisions": revisions, "digests": digests, "findings": findings,
            "befores": befores, "runs": [run.hexdigest()[:32] for run in runs] if are_proven else [None] * len(rows),
            "payload_digests": [run.digest() for run in runs],
            "retcodes": [0 if verdict in ("converged", "unproven") else 2 for verdict in verdicts],
            "successes": [verdict in ("converged", "unproven") for verdict in verdicts],
        }  # fmt: skip
        alike = {"jids": jid, "funs": fun, "proven": are_proven, "boots": None, "payloads": PAYLOAD}
        given |= {name: [content] * len(rows) for name, content in alike.items()}
        with self._as(RETURNER):
            self._conn.execute(RECORD, given)

    def _new_jid(self):
        return f"{self._steps.now():%Y%m%d%H%M%S%f}"

    def _query(self, statement, *arguments):
        """The one value that a statement gives."""
        ((value,),) = self._conn.execute(statement, arguments).fetchall()
        return value

    @contextlib.contextmanager
    def _as(self, login):
        """Within it the session is that of a login: the audit says by which one something came."""
        before = self._query("SELECT session_user::text")
        self._be(login)
        try:
            yield
        finally:
            self._be(before)

    def _be(self, login):
        self._conn.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(login)))
