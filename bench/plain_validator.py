"""
The validator as one would write it in plain Python, for the one in C to be measured against.

It means the same for what the measurements hold: returns of state functions with chunks of pkg.installed,
latest, removed and purged and of approval.converged, judged against packages. The measurement checks that
both give the same answer. Other returns, services, values and managers other than apt and dnf are left out,
which is to this one's advantage.
"""

import hashlib
import hmac

INSTALLING = ("installed", "latest")
REMOVING = ("removed", "purged")
SELECTIONS = ("hold", "install", "unhold")
ALL_INSTALLED = (
    "All specified packages are already installed",
    "All specified packages are already installed and are at the desired version",
)
ALL_ABSENT = "All specified packages are already absent"
INSTALLED_BEFORE = "The following packages were already installed: "
CONDITIONS = ("unless condition is true", "onlyif condition is false", "All files in creates exist")
TEXTS = {
    "observed": "{name} is installed in version {observed}, as approved.",
    "latest": "{name} is installed in the latest version, as approved.",
    "absent": "{name} is not installed, as approved.",
    "wrong-version": "{name} is installed in version {observed}; approved is {wanted}.",
    "missing": "{name} is not installed; approved is {wanted}.",
    "still-installed": "{name} is installed; approved is its removal.",
    "state-failed": "Salt reports that the state for {name} failed: {detail}",
    "requisite-failed": "The state for {name} was not run, because one that it requires failed: {detail}",
    "not-mentioned": "The return says nothing of {name}.",
    "test-run": "It was a test run: nothing was changed for {name}.",
    "not-run": "The state for {name} was skipped: its conditions were not met.",
    "no-version": "{name} is installed, but the return doesn't say in which version; approved is {wanted}.",
    "not-shown": "The return doesn't show what became of {name}; approved is {wanted}.",
    "forged": "The evidence for {name} doesn't carry this minion's mac for this revision.",
    "stale-revision": "The evidence for {name} is of another revision of the approved state.",
}
VERDICTS = {
    "observed": "converged",
    "latest": "converged",
    "absent": "converged",
    "wrong-version": "drift",
    "missing": "drift",
    "still-installed": "drift",
    "state-failed": "failed",
    "requisite-failed": "failed",
    "not-mentioned": "not-applied",
    "test-run": "not-applied",
    "not-run": "not-applied",
}


class Resource:
    """What a return has shown of one package so far."""

    __slots__ = ("detail", "observed", "reason", "seen", "source", "wanted")

    def __init__(self, wanted):
        self.wanted = wanted
        self.seen = None  # or mentioned, present, value, absent
        self.observed = None
        self.source = "none"
        self.reason = None  # of a failure, or of not having been run
        self.detail = None

    def observe(self, version, source):
        self.seen = "value" if version else "absent"
        self.observed = version or None
        self.source = source
        self.reason = None

    def present(self, source):
        if self.seen != "value":
            self.seen, self.observed, self.source, self.reason = "present", None, source, None

    def mention(self):
        if self.seen is None:
            self.seen, self.reason = "mentioned", None

    def fail(self, reason, detail):
        self.reason, self.detail, self.source = reason, detail, "return"

    def skip(self, reason):
        if self.seen is None:
            self.reason, self.source = reason, "return"

    def conclude(self):
        if self.reason is not None:
            return self.reason
        if self.seen is None:
            return "not-mentioned"
        if self.seen == "mentioned":
            return "not-shown"
        if self.wanted is None:
            return "absent" if self.seen == "absent" else "still-installed"
        if self.seen == "absent":
            return "missing"
        if self.wanted == "latest":
            return "latest"
        if self.seen == "present":
            return "no-version"
        return "observed" if self.observed == self.wanted else "wrong-version"


def validate(load, expected):
    """As saltext.approval._core.validate: {verdict, revision, authenticated, findings, unapproved}."""
    minion = expected.get("minion") or load.get("id")
    resources = {name: Resource(wanted) for name, wanted in expected["packages"].items()}
    answer = {"revision": None, "authenticated": False, "unapproved": []}
    if load.get("id") == minion and isinstance(load.get("return"), dict):
        arguments = load.get("fun_args") or ()
        dry = any(isinstance(argument, dict) and argument.get("test") for argument in arguments)
        _read_chunks(load["return"], expected, resources, answer, dry)
    findings = [_finding(minion, name, resource) for name, resource in resources.items()]
    return {"verdict": _sum_up(findings), **answer, "findings": findings}


def _read_chunks(chunks, expected, resources, answer, dry):
    relevant = []
    evidence = None
    for tag, chunk in chunks.items():
        parts = tag.split("_|-")
        if len(parts) < 3 or not isinstance(chunk, dict):
            continue
        if parts[0] == "pkg":
            relevant.append((chunk.get("__run_num__", -1), parts[-1], chunk))
        elif parts[0] == "approval" and "approval" in chunk:
            relevant.append((chunk.get("__run_num__", -1), None, chunk))
            evidence = chunk
    relevant.sort(key=lambda entry: entry[0])
    for _, function, chunk in relevant:
        if function is not None:
            _read_package_chunk(function, chunk, resources, answer, dry)
        elif chunk is evidence:
            _read_evidence(chunk["approval"], expected, resources, answer)


def _read_package_chunk(function, chunk, resources, answer, dry):
    comment = chunk.get("comment", "")
    result = chunk.get("result")
    own = resources.get(chunk.get("name"))
    reason = _why_skipped(chunk, comment, result)
    if reason or dry:
        if own:
            own.skip(reason or "test-run")
        return
    for name, change in (chunk.get("changes") or {}).items():
        resource = resources.get(name)
        if resource is None:
            answer["unapproved"].append(name)
        elif isinstance(change, dict) and "new" in change:
            _observe_change(resource, change["new"])
    if function in INSTALLING:
        _read_installing(comment, own, resources)
    elif function in REMOVING and comment == ALL_ABSENT and own:
        own.observe(None, "return")
    if result is False:
        if own:
            own.fail("requisite-failed" if chunk.get("__state_ran__") is False else "state-failed", comment)
    elif own:
        own.mention()


def _why_skipped(chunk, comment, result):
    if result is None:
        return "test-run"
    if result is False:
        return None
    if chunk.get("__state_ran__") is False or any(line in CONDITIONS for line in comment.split("\n")):
        return "not-run"
    return None


def _observe_change(resource, new):
    if not isinstance(new, str):
        resource.mention()
        return
    version, _, behind = new.partition("\n")
    if behind and behind not in SELECTIONS:
        resource.mention()
    elif version in SELECTIONS or version == "installed":
        resource.present("changes")
    elif "," in version and resource.wanted in version.split(","):
        resource.observe(resource.wanted, "changes")
    else:
        resource.observe(version.split(",")[0], "changes")


def _read_installing(comment, own, resources):
    for line in comment.split("\n"):
        if line in ALL_INSTALLED:
            if own:
                own.present("return")
        elif line.startswith(INSTALLED_BEFORE):
            for pair in line[len(INSTALLED_BEFORE) :].split(", "):
                name, found, version = pair.partition("=")
                if name in resources and found:
                    resources[name].observe(version, "return")


def _read_evidence(evidence, expected, resources, answer):
    answer["revision"] = evidence["revision"]
    reason = None
    if evidence["revision"] != expected.get("revision") or evidence["digest"] != expected.get("digest"):
        reason = "stale-revision"
    elif not hmac.compare_digest(_mac(expected["evidence_key"], evidence), evidence["mac"]):
        reason = "forged"
    answer["authenticated"] = reason is None
    for name, version in evidence["observed"]["packages"].items():
        resource = resources.get(name)
        if resource is None:
            continue
        if reason is None:
            resource.observe(version, "evidence")
        else:
            resource.fail(reason, None)


def _mac(key, evidence):
    fields = ["apv1-evidence", evidence["minion"], str(evidence["revision"]), evidence["digest"]]
    fields += [evidence["run_id"], evidence["boot_id"]]
    for part in ("observed", "before"):
        values = sorted(
            (kind[:-1], name, value) for kind, named in evidence[part].items() for name, value in named.items()
        )
        fields.append(str(len(values)))
        for value in values:
            fields += value
    signed = b"".join(
        b"\xff\xff\xff\xff" if field is None else len(raw := field.encode()).to_bytes(4, "big") + raw
        for field in fields
    )
    return hmac.new(bytes.fromhex(key), signed, hashlib.sha256).hexdigest()


def _finding(minion, name, resource):
    reason = resource.conclude()
    return {
        "minion": minion,
        "kind": "package",
        "name": name,
        "verdict": VERDICTS.get(reason, "unproven"),
        "reason": "observed" if reason == "latest" else reason,
        "expected": resource.wanted,
        "observed": resource.observed,
        "source": resource.source,
        "text": TEXTS[reason].format(
            name=name, observed=resource.observed, wanted=resource.wanted, detail=resource.detail
        ),
    }


def _sum_up(findings):
    verdicts = {finding["verdict"] for finding in findings}
    if "drift" in verdicts:
        return "drift"
    if verdicts == {"converged"}:
        return "converged"
    if "converged" in verdicts and verdicts & {"failed", "not-applied"}:
        return "partial"
    for verdict in ("failed", "unproven"):
        if verdict in verdicts:
            return verdict
    return "not-applied"
