"""Is everything configured right? Each finding says what is wrong and how to mend it."""

import importlib.resources
import os
import pwd
from dataclasses import dataclass, field

from ... import config, db
from ...engine import worker
from ...errors import ApprovalError, ConfigError
from ...intake import own_patterns
from ...settings import PARTS, SERVICE_PARTS, Settings
from .. import migrate
from . import running, spool, top

OLDEST_SERVER = 150000
# The functions by which the database finds out itself what is wrong, by the names of these parts.
IN_DATABASE = {
    "policy": "check_policy", "work": "check_work", "job log": "check_job_log", "alarms": "check_alarms",
}  # fmt: skip


def state_root():
    """The folder to name in the master's file_roots."""
    return str(importlib.resources.files("saltext.approval.states"))


@dataclass
class Report:
    """
    findings: {severity: error | warning, subject, problem, remedy}, none if all is right. looked_at: the parts that
    could be looked at, in words; one that could not is in a finding.
    """

    findings: list = field(default_factory=list)
    looked_at: list = field(default_factory=list)


def run(master_config):
    """
    Check the configuration of the master whose configuration file is ``master_config``, the database behind it, and
    whether the master and its engine do their work. Returns a Report. Raises ConfigError if the file cannot be read, or
    what it says of us is no mapping.
    """
    settings = Settings.from_file(master_config)
    settings.section("engine")
    opts = settings.opts
    findings = _Findings()
    _check_pillar(settings, findings)
    _check_returner(opts, findings)
    _check_masking(settings, findings)
    _check_job_log(settings, findings)
    _check_states(opts, findings)
    _check_engine(settings, findings)
    _check_access(opts, findings)
    uid = _master_uid(opts, findings)
    findings.look("master configuration")
    for part in PARTS:
        _check_part(settings, part, uid, findings)
    running.run(settings, findings)
    if settings.section("returner"):
        spool.run(opts, uid, findings)
        findings.look("spool")
    top.run(opts, state_root(), findings)
    return Report(findings.rows, findings.looked_at)


def run_service(path):
    """
    Check the service whose settings are in the file ``path``: them, its login, the database, and whether it runs. Done
    by the account that the service runs as. Returns a Report. Raises ConfigError if the file cannot be read.
    """
    settings = Settings.from_service_file(path)
    findings = _Findings()
    _check_workers(settings, "Correct it and restart the service. The other workers run.", findings)
    findings.look("settings")
    _check_part(settings, settings.main_part, None, findings)
    running.run_service(settings, path, findings)
    return Report(findings.rows, findings.looked_at)


class _Findings:
    def __init__(self):
        self.rows = []
        self.looked_at = []

    def look(self, *parts):
        """Note that these parts were looked at."""
        self.looked_at += [part for part in parts if part not in self.looked_at]

    def error(self, subject, problem, remedy):
        self._add("error", subject, problem, remedy)

    def refused(self, subject, exc, remedy):
        """An error for what an exception says, whose text may name the subject itself."""
        self.error(subject, str(exc).removeprefix(f"{subject}: "), remedy)

    def warning(self, subject, problem, remedy):
        self._add("warning", subject, problem, remedy)

    def _add(self, severity, subject, problem, remedy):
        self.rows.append({"severity": severity, "subject": subject, "problem": problem, "remedy": remedy})


def _check_pillar(settings, findings):
    if not settings.pillars:
        findings.error(
            "ext_pillar",
            "there is no entry approval: no minion gets its approved state",
            f"Add:\n{PARTS['pillar'].example}",
        )
    elif len(settings.pillars) > 1:
        findings.error("ext_pillar", "there is more than one entry approval: the last one wins", "Keep one.")
    loaded = _loaded_functions(settings.opts)
    if loaded is not None and "approval" not in loaded:
        findings.error(
            "ext_pillar",
            "Salt's loader does not find the module approval, and would go on without an approved state",
            "Install saltext-approval into the master's own Python (with Salt's packages: salt-pip install).",
        )
    problem = settings.pillar_cache_problem()
    if problem:
        findings.error("pillar_cache", *problem)
    if settings.opts.get("pillar_opts"):
        findings.warning(
            "pillar_opts",
            "pillar_opts: True puts this configuration into every minion's pillar",
            "Set pillar_opts: False, and keep connection strings in files (dsn_file).",
        )


def _loaded_functions(opts):
    """The pillar modules that Salt's loader finds; None without Salt."""
    try:
        import salt.loader
    except ImportError:
        return None
    return salt.loader.pillars(opts, {})


def _check_returner(opts, findings):
    if opts.get("master_job_cache") != "approval":
        findings.error(
            "master_job_cache",
            "the returns of minions do not reach the approval database, so no request is ever complete",
            "Set master_job_cache: approval",
        )
    if opts.get("ext_job_cache"):
        findings.error(
            "ext_job_cache",
            "the minions store their returns themselves: what they store is only their claim",
            "Remove ext_job_cache.",
        )
    if opts.get("job_cache") is False:
        findings.error("job_cache", "job_cache: False drops every return", "Remove it (the default is True).")


def _check_masking(settings, findings):
    try:
        own_patterns.compiled(settings.masking_patterns())
    except (ConfigError, own_patterns.BadPattern) as exc:
        findings.refused(
            "approval:masking",
            exc,
            "Correct the pattern and restart the master. Until then all arguments and outputs of jobs are hidden.",
        )


def _check_job_log(settings, findings):
    try:
        settings.keep_log_days()
    except ConfigError as exc:
        findings.refused(
            "approval:job_log",
            exc,
            "Correct it and restart the master. Until then nothing old is dropped, also no jobs.",
        )


def _check_engine(settings, findings):
    engines = settings.opts.get("engines") or []
    if "approval" not in [name for engine in engines for name in (engine if isinstance(engine, dict) else [engine])]:
        findings.error(
            "engines",
            "there is no entry approval: nothing is dispatched, nothing expires, and the audit is not sealed",
            "Add:\nengines:\n  - approval: {}",
        )
    _check_workers(settings, "Correct it and restart the master. The other workers run.", findings)


def _check_workers(settings, remedy, findings):
    try:
        for problem in worker.problems(settings):
            findings.error("approval:engine", problem, remedy)
    except config.ConfigError as exc:
        findings.refused("approval:engine", exc, "See: salt-approval help the-engine")


def _check_states(opts, findings):
    root = state_root()
    roots = [folder for folders in (opts.get("file_roots") or {}).values() for folder in folders or ()]
    if not any(os.path.realpath(folder) == os.path.realpath(root) for folder in map(str, roots)):
        findings.error(
            "file_roots",
            "the modules that minions need are not served to them",
            f"Add a line to the environment's list:\nfile_roots:\n  base:\n    - {root}",
        )
    if "roots" not in (opts.get("fileserver_backend") or ["roots"]):
        findings.error("fileserver_backend", "file_roots are not served", "Add roots to fileserver_backend.")
    if opts.get("state_data") == "terse":
        findings.warning(
            "state_data",
            "state_data: terse drops the evidence from returns: a run that changes nothing is unproven",
            "Remove it, here and on minions.",
        )


def _check_access(opts, findings):
    if opts.get("publisher_acl"):
        findings.warning(
            "publisher_acl",
            "whoever is listed there can call any runner function under any user's name",
            "Use external_auth, or demand authenticated decisions in the stages that matter.",
        )
    if opts.get("peer_run"):
        findings.warning("peer_run", "minions may call runner functions as the master's own user", "Remove peer_run.")


def _master_uid(opts, findings):
    """The account that the master runs as; files must be readable for it, not for whoever runs this check."""
    user = opts.get("user")
    try:
        return pwd.getpwnam(user).pw_uid if user else os.geteuid()
    except KeyError:
        findings.error("user", f"there is no account {user}", "Correct the setting user.")
        return os.geteuid()


def _check_part(settings, part, uid, findings):
    known = PARTS.get(part) or SERVICE_PARTS[part]
    where = known.where
    try:
        if settings.section(part) is None:
            # Where the pillar has no entry at all another finding says so.
            if part != "pillar" or settings.pillars:
                findings.error(where, "it is not configured", f"Add:\n{known.example}")
            return
        if part == "pillar":
            settings.snapshot()
        connection = settings.connection(part, uid)
        with db.connect(connection) as conn, db.translated():
            _check_login(conn, known, findings)
            findings.look("database", "logins", "roles")
            _check_schema(conn, where, findings)
            findings.look("schema")
            if part == "runner":
                for name, function in IN_DATABASE.items():
                    findings.rows += db.call(conn, function)
                    findings.look(name)
    except config.ConfigError as exc:
        findings.refused(where, exc, "See: salt-approval help connections")
    except ApprovalError as exc:
        findings.refused(where, exc, "Check the connection string, the server and its pg_hba.conf.")


def _check_login(conn, part, findings):
    row = conn.execute(
        "SELECT session_user::text AS login, rolsuper AS is_superuser, ARRAY("
        "  SELECT r.rolname::text FROM pg_catalog.pg_roles AS r WHERE starts_with(r.rolname, 'approval_')"
        "  AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER') ORDER BY 1) AS roles "
        "FROM pg_catalog.pg_roles WHERE rolname = session_user"
    ).fetchone()
    where, needed = part.where, part.role
    login = row["login"]
    if row["is_superuser"]:
        findings.error(
            where,
            f"the login {login} is a superuser, whom nothing in the database stops",
            f"Use a login with {needed}.",
        )
        return
    if needed not in row["roles"]:
        findings.error(where, f"the login {login} has not the role {needed}", f"GRANT {needed} TO {login}")
    for role in row["roles"]:
        if role != needed:
            findings.error(
                where,
                f"the login {login} can do more than it should: it has {role}",
                f"REVOKE {role} FROM {login}",
            )


def _check_schema(conn, where, findings):
    if conn.info.server_version < OLDEST_SERVER:
        findings.error(where, "the server is older than PostgreSQL 15", "Upgrade it.")
    status = migrate.Schema().status(conn)
    problems = [(problem, "See: salt-approval help upgrades") for problem in status.problems]
    if not problems and not status.is_current:
        problems = [("the database's schema is not of this version", "Run salt-approval db upgrade.")]
    for problem, remedy in problems:
        # The parts of a master share a database, about which one of them has said all.
        if not any(finding["problem"] == problem for finding in findings.rows):
            findings.error(where, problem, remedy)
