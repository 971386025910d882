"""The digest of a document and the mac of evidence, as plainly as they can be written.

Independent of the library, the SQL and the state module, which are all held against the files
that this writes: run `python tests/vectors/reference.py` to write them again.
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = {
    "packages": "package",
    "services": "service",
    "values": "value",
    "actions": "action",
    "starts": "start",
}
# The parts that the mac of each format covers, in this order.
SECTIONS = {1: ("observed", "before"), 2: ("observed", "before", "meets", "errors", "notes")}


def field(text):
    """A text behind its size; None is a size that no text has."""
    if text is None:
        return struct.pack(">I", 0xFFFFFFFF)
    data = text.encode("utf-8")
    return struct.pack(">I", len(data)) + data


def bytewise(row):
    """Sorts by (kind, name), byte by byte."""
    return row[0].encode("utf-8"), row[1].encode("utf-8")


def digest(minion, revision, items):
    """The digest of a minion's approved state; items are (kind, name, type, value)."""
    fields = ["apv1", minion, str(revision)]
    for item in sorted(items, key=bytewise):
        fields.extend(item)
    return "sha256:" + hashlib.sha256(b"".join(map(field, fields))).hexdigest()


def rows(section):
    """The resources of one section as (kind, name, value)."""
    return sorted(
        ((KINDS[plural], name, value) for plural, of in section.items() for name, value in of.items()),
        key=bytewise,
    )


def mac(key, evidence):
    """The mac of evidence under a key in hex."""
    version = evidence["format"]
    fields = [f"apv{version}-evidence", evidence["minion"], str(evidence["revision"]), evidence["digest"]]
    fields += [evidence["run_id"], evidence["boot_id"]]
    for name in SECTIONS[version]:
        observations = rows(evidence.get(name, {}))
        fields.append(str(len(observations)))
        for observation in observations:
            fields.extend(observation)
    return hmac.new(bytes.fromhex(key), b"".join(map(field, fields)), hashlib.sha256).hexdigest()


# name, minion, revision, items
DOCUMENTS = [
    ("an unknown minion", "web1", 0, []),
    ("one package", "web1", 1, [("package", "hello", "version", "2.10-3")]),
    ("a package to be absent", "web1", 2, [("package", "hello", "absent", None)]),
    ("the latest version", "web1", 3, [("package", "hello", "latest", "latest")]),
    ("an empty value is not none", "web1", 3, [("package", "hello", "absent", "")]),
    (
        "items in no order",
        "db1.example.com",
        17,
        [
            ("value", "motd", "json", '{"lines":["a","b"],"n":1}'),
            ("package", "zlib1g", "version", "1:1.2.13.dfsg-1"),
            ("service", "cron", "state", "running"),
            ("package", "Hello", "version", "1"),
            ("package", "hello", "version", "2.10-3"),
            ("package", "hello-2", "version", "2.10-3+b1"),
            ("service", "apache2", "state", "dead"),
        ],
    ),
    (
        "bytewise, not alphabetical",
        "ä%_'\"\\ \U0001f600",
        9007199254740993,
        [
            ("value", "z", "json", '"ü\U0001f600"'),
            ("value", "\uffff", "json", "2"),
            ("value", "\U00010000", "json", "1"),
            ("value", "ä", "json", "null"),
        ],
    ),
    (
        "fields cannot run into one another",
        "m",
        1,
        [("package", "ab", "version", "c"), ("package", "a", "version", "bc")],
    ),
    ("a large revision", "m", 9223372036854775807, [("service", "ssh", "state", "running")]),
    (
        "many items",
        "m",
        5,
        [("package", f"p{n:03}", "version", f"{n}.0-1") for n in (i * 77 % 200 for i in range(200))],
    ),
]


def evidence(minion, revision, observed, before=None, boot_id="b6a1d3f0-1f6b-4c1e-9b8e-000000000001", **more):
    """Evidence as the state module returns it, without its mac."""
    made = {
        "format": 2,
        "minion": minion,
        "revision": revision,
        "digest": digest(minion, revision, []),
        "run_id": "0123456789abcdef0123456789abcdef",
        "boot_id": boot_id,
        "observed": observed,
    }
    if before is not None:
        made["before"] = before
    return {**made, **more}


EVIDENCE = [
    ("one package", evidence("web1", 1, {"packages": {"hello": "2.10-3"}}, {})),
    ("absent", evidence("web1", 2, {"packages": {"sl": None}}, {"packages": {"sl": "5.02-1+b1"}})),
    ("nothing observed", evidence("web1", 0, {}, {}, boot_id="")),
    ("before is not given", evidence("web1", 1, {"packages": {"hello": "2.10-3"}})),
    (
        "all kinds, in no order",
        evidence(
            "db1.example.com",
            17,
            {
                "values": {"motd": '{"lines":["a","b"]}', "a": "1"},
                "packages": {"zlib1g": "1:1.2.13.dfsg-1", "Hello": "1", "hello": "2.10-3", "vim": None},
                "services": {"cron": "running", "apache2": "dead"},
            },
            {"packages": {"vim": "2:9.0.1378-2", "hello": None}, "services": {"cron": "dead"}},
        ),
    ),
    (
        "an error",
        evidence("web1", 4, {"packages": {"hello": None}}, {}, errors={"packages": {"hello": "E: not found"}}),
    ),
    (
        "another spelling, and a note",
        evidence(
            "web1",
            4,
            {"packages": {"hello": "1:2.10-3", "brk": "1.1"}},
            meets={"packages": {"hello": "2.10-3"}},
            notes={"packages": {"brk": "its %post script failed"}},
        ),
    ),
    (
        "one resource in all sections",
        evidence(
            "web1",
            4,
            *({"packages": {"hello": text}, "services": {"hello": None}} for text in ("a", "b")),
            meets={"packages": {"hello": "c"}},
            errors={"services": {"hello": "d", "cron": "e"}, "values": {"a": None}},
            notes={"packages": {"hello": "f"}, "actions": {"1": "g"}, "starts": {"hello": "h"}},
        ),
    ),
    (
        "nothing given",
        {key: value for key, value in evidence("web1", 0, {}).items() if key != "observed"},
    ),
    (
        "an action, and services that it started anew",
        evidence(
            "web1",
            5,
            {
                "starts": {"nginx": "b6a1d3f0-1f6b-4c1e-9b8e-000000000001 990000", "cron": None},
                "actions": {"17": '{"fun":"service.restart","retcode":0,"return":true,"success":true}'},
            },
            {"starts": {"nginx": "b6a1d3f0-1f6b-4c1e-9b8e-000000000001 120000", "cron": None}},
        ),
    ),
    (
        "all kinds of section",
        evidence(
            "web1",
            6,
            {
                "values": {"a": "1"},
                "starts": {"a": "b 1"},
                "services": {"a": "running"},
                "packages": {"a": "1"},
                "actions": {"a": "{}", "\U0001f600": None},
            },
            {"packages": {"a": None}, "services": {"a": "dead"}, "starts": {"a": None}},
        ),
    ),
    (
        "not ASCII",
        evidence("ä%_'", 9007199254740993, {"values": {"ü": '"\U0001f600"'}, "packages": {}}, {}),
    ),
    ("format 1", evidence("web1", 1, {"packages": {"hello": "2.10-3"}}, {"packages": {"hello": None}}, format=1)),
    (
        "format 1 does not cover errors",
        evidence("web1", 4, {"packages": {"hello": None}}, errors={"packages": {"hello": "E: not found"}}, format=1),
    ),
]


def main():
    """Writes digest.json and evidence.json beside this file."""
    documents = [
        {
            "name": name,
            "minion": minion,
            "revision": revision,
            "items": items,
            "digest": digest(minion, revision, items),
        }
        for name, minion, revision, items in DOCUMENTS
    ]
    signed = []
    for name, made in EVIDENCE:
        key = hashlib.sha256(name.encode()).hexdigest()
        signed.append({"name": name, "key": key, "evidence": made, "mac": mac(key, made)})
    for file, vectors in (("digest.json", documents), ("evidence.json", signed)):
        text = json.dumps(vectors, ensure_ascii=False, indent=1)
        (HERE / file).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
