"""Time for a month that is lived within seconds: what happened in each of its steps is put where it belongs afterwards.

The database takes the time of all that it does from the clock. So the steps of a month are lived one after another,
and then every time in the database that lies within a step is moved by that step's way into the past: what follows from
it (an expiry, say) by the same, the digits of job ids too. The hashes of the audit are made anew from the first on.
"""

from psycopg import sql

COLUMNS = """
SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.atttypid = 'timestamptz'::regtype) AS times,
    array_agg(a.attname ORDER BY a.attnum) FILTER (
        WHERE a.atttypid = 'text'::regtype AND a.attname ~ '(^|_)jid$') AS jids
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
    -- Windows and freezes are of the calendar that hangs on the wall.
    AND c.relname NOT IN ('calendar_span', 'freeze', 'migration', 'code_version')
GROUP BY c.relname
HAVING bool_or(a.atttypid = 'timestamptz'::regtype OR a.attname ~ '(^|_)jid$')
"""
# The step of a time is found among the beginnings of all; what lies behind the last one goes the way of its row.
FUNCTIONS = """
CREATE FUNCTION pg_temp.way_of(p_time timestamptz) RETURNS interval LANGUAGE sql STABLE AS $$
SELECT ({ways})[width_bucket(p_time, {begins})]
$$;
CREATE FUNCTION pg_temp.past(p_time timestamptz, p_of_row timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
SELECT CASE WHEN p_time IS NULL OR NOT isfinite(p_time) OR p_time < {first} THEN p_time
    WHEN p_time <= {last} THEN p_time - pg_temp.way_of(p_time)
    ELSE p_time - coalesce(pg_temp.way_of(p_of_row), interval '0') END
$$;
CREATE FUNCTION pg_temp.within(p_time timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
SELECT CASE WHEN p_time BETWEEN {first} AND {last} THEN p_time END
$$;
CREATE FUNCTION pg_temp.past_jid(p_jid text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT CASE WHEN p_jid ~ '^[0-9]{{20}}$' THEN to_char(pg_temp.past(to_timestamp(p_jid, 'YYYYMMDDHH24MISSUS'), NULL),
    'YYYYMMDDHH24MISSUS') ELSE p_jid END
$$;
"""
AUDIT = """
UPDATE approval.audit_entry
SET detail = replace(detail, detail::jsonb ->> 'jid', pg_temp.past_jid(detail::jsonb ->> 'jid'))
WHERE detail::jsonb ? 'jid'
"""
CHAIN = """
WITH before AS (
    SELECT e.stream, e.seq, coalesce(b.hash, '') AS hash
    FROM approval.audit_entry AS e LEFT JOIN approval.audit_entry AS b ON b.stream = e.stream AND b.seq = e.seq - 1
    WHERE e.seq = %s
)
UPDATE approval.audit_entry AS e
SET previous_hash = b.hash, hash = approval.audit_hash(
    e.stream, e.seq, e.at, e.act, e.principal, e.identity, e.login_role, e.assurance, e.detail, b.hash)
FROM before AS b WHERE b.stream = e.stream AND b.seq = e.seq
"""
HEADS = """
UPDATE approval.audit_stream AS s SET head_hash = e.hash
FROM approval.audit_entry AS e WHERE e.stream = s.stream AND e.seq = s.head_seq
"""
DECIDED = """
UPDATE approval.decision AS d SET decided_bytes = approval.decided_bytes(
    d.request_id, d.item_set_version, s.digest, d.stage_no, d.decision, p.name, d.comment, d.decided_at)
FROM approval.item_set AS s, approval.principal AS p
WHERE s.request_id = d.request_id AND s.item_set_version = d.item_set_version AND p.principal_id = d.principal_id
"""


class Steps:
    """The steps that were lived over the superuser's connection ``conn``, whose clock alone counts."""

    def __init__(self, conn):
        self._conn = conn
        self._steps = []

    def begin(self, at):
        """What follows happens at ``at``, a datetime; an earlier time than before counts as just after that."""
        now = self.now()
        if self._steps:
            began, stood_for = self._steps[-1]
            at = max(at, stood_for + (now - began))
        self._steps.append((now, at))

    def now(self):
        """The time by the database's clock, a datetime."""
        ((now,),) = self._conn.execute("SELECT clock_timestamp()").fetchall()
        return now

    def settle(self):
        """Move all times of the steps to where they belong, and seal the audit. Nothing was sealed before."""
        conn = self._conn
        for statement in self._functions().split(";\n"):
            if statement.strip():
                conn.execute(statement)
        conn.execute("SET session_replication_role = replica")
        for table, times, jids in conn.execute(COLUMNS).fetchall():
            conn.execute(_moved(table, times or [], jids or []))
        conn.execute(AUDIT)
        ((longest,),) = conn.execute("SELECT max(seq) FROM approval.audit_entry").fetchall()
        for seq in range(1, (longest or 0) + 1):
            conn.execute(CHAIN, (seq,))
        for statement in (HEADS, DECIDED, "SET session_replication_role = origin"):
            conn.execute(statement)
        while conn.execute("SELECT approval.seal_audit()").fetchall() != [(0,)]:
            pass

    def _functions(self):
        begins = [began for began, _ in self._steps]
        ways = [began - at for began, at in self._steps]
        given = {"begins": begins, "ways": ways, "first": begins[0], "last": self.now()}
        literals = {name: sql.Literal(content) for name, content in given.items()}
        return sql.SQL(FUNCTIONS).format(**literals).as_string(self._conn)


def _moved(table, times, jids):
    """The statement that moves the times of a table."""
    of_row = sql.SQL("least({})").format(
        sql.SQL(", ").join(sql.SQL("pg_temp.within({})").format(sql.Identifier(name)) for name in times)
    )
    columns = [
        sql.SQL("{0} = pg_temp.past({0}, {1})").format(
            sql.Identifier(name), of_row if len(times) > 1 else sql.SQL("NULL")
        )
        for name in times
    ] + [sql.SQL("{0} = pg_temp.past_jid({0})").format(sql.Identifier(name)) for name in jids]
    return sql.SQL("UPDATE {} SET {}").format(sql.Identifier("approval", table), sql.SQL(", ").join(columns))
