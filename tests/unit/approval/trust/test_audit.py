"""The offline verifier on trails made here: each way to be wrong is one finding, and nothing raises."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval.errors import InputError
from saltext.approval.trust import audit

ENTRY = {
    "record": "entry", "stream": 0, "seq": 1, "at": "2026-11-22T15:00:00.000001Z", "act": "submitted",
    "principal": "alice", "identity": None, "login_role": "alice", "assurance": "authenticated",
    "detail": '{"reason": "Zürich 日本"}', "previous_hash": "",
}  # fmt: skip
NAMES = ("stream", "seq", "at", "act", "principal", "identity", "login_role", "assurance", "detail")


def sha256(*contents):
    return hashlib.sha256(b"".join(audit.field(content) for content in contents)).hexdigest()


def entry(stream, seq, previous_hash, **changes):
    record = {**ENTRY, "stream": stream, "seq": seq, "previous_hash": previous_hash, **changes}
    record["hash"] = sha256("apv1-audit", *(record[name] for name in NAMES), record["previous_hash"])
    return record


def seal(number, heads, previous_hash=""):
    record = {
        "record": "seal",
        "seal": number,
        "at": ENTRY["at"],
        "heads": heads,
        "previous_hash": previous_hash,
    }
    parts = [part for head in heads for part in head]
    record["hash"] = sha256("apv1-seal", number, record["at"], previous_hash, *parts)
    return record


def trail():
    """Streams 0 (3 entries) and 7 (2), sealed by two seals up to (0, 2) and (7, 2)."""
    entries = {}
    for stream, length in ((0, 3), (7, 2)):
        previous_hash = ""
        for seq in range(1, length + 1):
            entries[stream, seq] = entry(stream, seq, previous_hash)
            previous_hash = entries[stream, seq]["hash"]
    first = seal(1, [[0, 1, entries[0, 1]["hash"]], [7, 1, entries[7, 1]["hash"]]])
    second = seal(2, [[0, 2, entries[0, 2]["hash"]], [7, 2, entries[7, 2]["hash"]]], first["hash"])
    return [*entries.values(), first, second]


def lines(records):
    return [json.dumps(record) for record in records]


def broken(records, head=None):
    return audit.verify(lines(records), head).broken


def test_an_intact_trail_is_counted():
    records = trail()
    report = audit.verify(lines(records))
    assert report == audit.Report(5, 2, 2, 1, records[-1]["hash"], None)
    assert report.intact


def test_lines_may_be_bytes_of_any_json_spelling():
    spelled = [json.dumps(record, ensure_ascii=False, indent=None).encode() + b" \r\n" for record in trail()]
    assert audit.verify(iter(spelled)).intact


def test_a_file_is_read_line_by_line(tmp_path):
    path = tmp_path / "trail.jsonl"
    path.write_text("\n".join(lines(trail())) + "\n", encoding="utf-8")
    assert audit.verify_file(path).intact
    with pytest.raises(FileNotFoundError):
        audit.verify_file(tmp_path / "none")


def test_a_line_that_never_ends_is_not_read_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "trail.jsonl"
    path.write_bytes(b"{" * 1_000_000)
    assert audit.verify_file(path).broken.problem.startswith("it has more than")


def test_many_hashes_go_to_disk(monkeypatch):
    monkeypatch.setattr(audit, "SPOOL_BYTES", 64)
    assert audit.verify(lines(trail())).intact


@pytest.mark.parametrize("index", range(2))
def test_a_published_head_may_be_any_seal(index):
    records = trail()
    assert broken(records, f" {records[5 + index]['hash'].upper()}\n") is None


def test_a_published_head_that_no_seal_has():
    records = trail()
    assert broken(records[:-1], records[-1]["hash"]).problem.startswith("no seal has the published head")
    with pytest.raises(InputError, match="not a hash"):
        audit.verify([], "sha256:0")


def test_an_empty_file_is_no_trail():
    assert str(audit.verify([]).broken) == "the file: it holds no record"


@pytest.mark.parametrize("name", [*NAMES, "previous_hash", "hash"])
@pytest.mark.parametrize("index", range(5))
def test_every_altered_field_of_an_entry_is_found(index, name):
    records = trail()
    content = records[index][name]
    records[index][name] = content + 1 if isinstance(content, int) else (content or "") + "0"
    finding = broken(records)
    assert finding.line in (index + 1, index + 2)
    assert finding.stream is not None


def test_null_is_not_the_empty_text():
    records = trail()
    records[0]["identity"] = ""
    assert str(broken(records)) == ("line 1, stream 0, entry 1: it was altered: its content does not give its hash")


@pytest.mark.parametrize("index", range(7))
def test_a_missing_record_is_found_unless_it_is_the_end(index):
    records = trail()
    del records[index]
    finding = broken(records)
    if index == 2:
        # The last entry of a stream, which no seal covers: nothing refers to it.
        assert finding is None
    elif index == 6:
        assert finding is None
        assert audit.verify(lines(records)).unsealed == 3
    else:
        assert finding.line >= index + 1


@pytest.mark.parametrize("index", range(6))
def test_swapped_records_are_found(index):
    records = trail()
    records[index], records[index + 1] = records[index + 1], records[index]
    assert broken(records).line in (index + 1, index + 2)


def test_a_whole_stream_that_is_missing_is_found_by_the_seal():
    records = [record for record in trail() if record.get("stream") != 7]
    assert str(broken(records)) == ("line 4, seal 1, stream 7, entry 1: it covers an entry that is not in the file")


def test_an_entry_forged_with_its_hash_breaks_the_next_or_the_seal():
    records = trail()
    records[1] = entry(0, 2, records[0]["hash"], principal="mallory")
    assert str(broken(records)) == "line 3, stream 0, entry 3: it does not continue the one before it"
    records[2] = entry(0, 3, records[1]["hash"])
    assert str(broken(records)) == ("line 7, seal 2, stream 0, entry 2: it covers another hash than this entry has")


def test_seals_forged_as_well_are_found_by_the_published_head():
    records = trail()
    published = records[-1]["hash"]
    records[4] = entry(7, 2, records[3]["hash"], principal="mallory")
    records[6] = seal(2, [[0, 2, records[1]["hash"]], [7, 2, records[4]["hash"]]], records[5]["hash"])
    assert broken(records) is None
    assert broken(records, published) is not None


def test_seals_are_checked():
    good = trail()
    hashes = {(record["stream"], record["seq"]): record["hash"] for record in good[:5]}
    for change, problem in [
        ({"seal": 3}, "seals are missing or out of order: it follows seal 1"),
        ({"at": "2026"}, "it was altered: its content does not give its hash"),
        ({"previous_hash": ""}, "it does not continue the one before it"),
        ({"heads": []}, "it was altered: its content does not give its hash"),
        ({"heads": None}, "its heads is not a list"),
        ({"heads": [[0, 2]]}, "one of its heads is not a stream, a number and a hash"),
        ({"heads": [[False, 2, hashes[0, 2]]]}, "one of its heads is not a stream, a number and a hash"),
    ]:
        assert broken([*good[:6], {**good[6], **change}]).problem == problem
    for heads, problem in [
        ([[0, 1, hashes[0, 1]]], "it covers an entry that an earlier seal covers"),
        ([[0, 9, hashes[0, 2]]], "it covers an entry that is not in the file"),
        ([[5, 1, hashes[0, 2]]], "it covers an entry that is not in the file"),
        ([[7, 2, hashes[7, 2]], [0, 2, hashes[0, 2]]], "its heads are not in the order of their streams"),
    ]:
        assert broken([*good[:6], seal(2, heads, good[5]["hash"])]).problem == problem


def test_entries_stand_before_seals():
    records = trail()
    assert broken([*records, entry(9, 1, "")]).problem == "it stands behind a seal: entries come first"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "it is empty"),
        ("\n", "it is empty"),
        ("[]", "it is not a JSON object"),
        ("17", "it is not a JSON object"),
        ("{", "it is not JSON, or cut off"),
        ('{"stream": NaN}', "it is not JSON, or cut off"),
        ('{"stream": ' + "9" * 10_000 + "}", "it is not JSON, or cut off"),
        ("[" * 100_000, "it is not JSON, or cut off"),
        (b'{"record": "\xff"}', "it is not JSON, or cut off"),
        ('{"record": "entry"}'.encode("utf-16"), "it is not JSON, or cut off"),
        ('{"a": 1, "a": 1}', "it has a key twice"),
        ("{}", "it is neither an entry nor a seal"),
        ('{"record": ["entry"]}', "it is neither an entry nor a seal"),
        ('{"record": "seal"}', "it has no at"),
        (json.dumps({**entry(0, 1, ""), "note": ""}), "it has an unknown key: 'note'"),
        (json.dumps({**entry(0, 1, ""), "seq": True}), "its seq is not a whole number"),
        (json.dumps({**entry(0, 1, ""), "seq": 1.0}), "its seq is not a whole number"),
        (json.dumps({**entry(0, 1, ""), "stream": -1}), "its stream is out of range"),
        (json.dumps({**entry(0, 1, ""), "stream": 2**63}), "its stream is out of range"),
        (json.dumps({**entry(0, 1, ""), "act": None}), "its act is not text"),
        (json.dumps({**entry(0, 1, ""), "detail": {}}), "its detail is not text"),
        (json.dumps({**entry(0, 1, ""), "act": "\ud800"}), "its act is not Unicode text"),
        (json.dumps({**entry(0, 1, ""), "hash": "A" * 64}), "its hash is not one"),
    ],
)
def test_every_malformed_line_is_a_finding(line, problem):
    finding = audit.verify([line]).broken
    assert (finding.line, finding.problem) == (1, problem)


def digest(record):
    return sha256("apv1-audit", *(record[name] for name in NAMES), record["previous_hash"])


def renamed(act="pseudonymised", entries=None, **changes):
    """The trail with alice as person-1, and an act, the last of stream 0, that vouches for what entries became."""
    records = trail()
    new = [{**record, "principal": "person-1"} for record in (records[0], records[1], records[3], records[4])]
    named = [[record["stream"], record["seq"], digest(record)] for record in new] if entries is None else entries
    detail = json.dumps({"principal": "person-1", "entries": named})
    vouching = entry(0, 3, records[1]["hash"], act=act, principal=None, detail=detail)
    return [new[0], new[1], {**vouching, **changes}, new[2], new[3], *records[5:]]


def test_an_entry_may_be_what_an_act_says_that_it_became():
    assert broken(renamed()) is None
    report = audit.verify(lines(renamed()))
    assert (report.head, report.replaced) == (trail()[-1]["hash"], 4)
    assert audit.verify(lines(trail())).replaced == 0


def test_what_no_act_or_another_says_is_altered():
    altered = "it was altered: its content does not give its hash"
    finding = broken(renamed(act="told"))
    assert (finding.line, finding.stream, finding.seq, finding.problem) == (1, 0, 1, altered)
    for index, (stream, seq) in enumerate([(0, 1), (0, 2), (None, None), (7, 1), (7, 2)]):
        if stream is not None:
            records = renamed()
            records[index]["principal"] = "person-2"
            finding = broken(records)
            assert (finding.line, finding.stream, finding.seq, finding.problem) == (index + 1, stream, seq, altered)
    # An act that was altered itself vouches for nothing.
    assert broken(renamed(identity="pg:mallory")).problem == altered


def test_an_act_on_a_request_vouches_for_nothing():
    records = renamed()
    vouching = records[2]
    records[2] = trail()[2]
    records.insert(5, entry(7, 3, records[4]["hash"], act="pseudonymised", detail=vouching["detail"]))
    assert broken(records).line == 1


def test_of_several_acts_the_last_counts():
    records = renamed()
    later = entry(0, 4, records[2]["hash"], act="pseudonymised", detail=json.dumps({"entries": [[7, 1, "0" * 64]]}))
    assert (broken([*records[:3], later, *records[3:]]).stream, records[3]["stream"]) == (7, 7)


def test_the_hash_of_an_entry_is_never_another_one():
    records = renamed()
    records[1] = {**records[1], "hash": "0" * 64}
    assert str(broken(records)) == "line 2, stream 0, entry 2: it was altered: its content does not give its hash"


@pytest.mark.parametrize(
    "entries", [None, 7, "all", [7], [[0, 1]], [["0", "1", "x"]], [[{}, [], 1]], [[0, [], {}]], {"a": 1}]
)
def test_an_act_that_names_nothing_well_vouches_for_nothing(entries):
    assert broken(renamed(entries=entries if entries is not None else [])).line == 1


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
SCALARS |= st.sampled_from(["entry", "seal", "0" * 64])
KEYS = st.sampled_from(["record", "heads", "hash", *NAMES]) | st.text()
JSON = SCALARS | st.lists(SCALARS | st.lists(SCALARS)) | st.dictionaries(KEYS, SCALARS | st.lists(SCALARS))


@given(st.lists(st.binary() | st.text() | JSON.map(json.dumps)))
def test_nothing_raises(content):
    assert audit.verify(content).broken.line in range(len(content) + 1)


@given(st.data())
def test_nothing_raises_for_almost_good_records(data):
    records = trail()
    record = data.draw(st.sampled_from(records))
    record[data.draw(st.sampled_from(sorted(record)))] = data.draw(JSON)
    audit.verify(lines(records))
