import datetime

import pytest
import yaml

from saltext.approval.errors import InputError
from saltext.approval.intake import fields

UTC = datetime.timezone.utc


def test_minions_in_a_list_are_exact():
    odd = ["%", "_", "a,b", "it's", 'say "hi"', "Zürich-ß", "日本", " lead", "web*", "'; DROP TABLE x; --"]
    assert fields.minions(odd) == odd


def test_minions_in_a_text_are_separated_by_commas():
    assert fields.minions("web1, web2") == ["web1", "web2"]
    assert fields.minions("%") == ["%"]


def test_a_minion_named_twice_counts_once():
    assert fields.minions(["b", "a", "b"]) == ["b", "a"]


@pytest.mark.parametrize("value", [None, [], {}, (), 7, {"web1": None}, True])
def test_a_request_without_minions_is_refused(value):
    with pytest.raises(InputError, match="names no minion"):
        fields.minions(value)


@pytest.mark.parametrize("value", ["", "a,,b", ["a", ""], ["a", None], [1], [True], ["a\0b"], ["\ud800"]])
def test_what_is_no_minion_id_is_refused(value):
    with pytest.raises(InputError, match="minion id"):
        fields.minions(value)


def test_packages_to_install_to_follow_and_to_remove():
    given = yaml.safe_load("{hello: 2.10-3, vim: '2:9.0', nano: latest, sl: removed, vlc: absent, tz: '2024'}")
    assert fields.packages(given) == {
        "hello": "2.10-3",
        "vim": "2:9.0",
        "nano": "latest",
        "sl": None,
        "vlc": None,
        "tz": "2024",
    }


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ("2.10", "the number 2.1"),
        ("1:30", "the number 90"),
        ("2:9.0", "the number 129.0"),
        ("010", "the number 8"),
        ("7", "the number 7"),
        ("1e3000", None),
        ("yes", "the truth value true"),
        ("2024-01-01", "the date 2024-01-01"),
        ("[1]", "a list"),
        (".nan", "the number nan"),
    ],
)
def test_a_version_that_yaml_made_something_else_of_is_refused_with_an_explanation(typed, read_as):
    version = yaml.safe_load(typed)
    if read_as is None:
        assert fields.packages({"hello": version}) == {"hello": version}
        return
    with pytest.raises(InputError) as raised:
        fields.packages({"hello": version})
    text = str(raised.value)
    assert "the version of hello" in text
    assert read_as in text
    assert "YAML" in text
    assert "quote it" in text


@pytest.mark.parametrize("word", ["installed", "purged", "present", "none", " ", "any"])
def test_a_word_that_is_no_version_is_refused(word):
    with pytest.raises(InputError, match="give the exact version, or latest, or absent"):
        fields.packages({"hello": word})


@pytest.mark.parametrize("value", [None, {}, [], "hello", ["hello"], 7])
def test_a_request_without_packages_is_refused(value):
    with pytest.raises(InputError, match="names no package"):
        fields.packages(value)


@pytest.mark.parametrize("name", [7, None, "", True, "a\0b"])
def test_what_is_no_package_name_is_refused(name):
    with pytest.raises(InputError, match="package name"):
        fields.packages({name: "1"})


def test_packages_on_the_command_line():
    assert fields.package_argument("hello=2.10") == ("hello", "2.10")
    assert fields.package_argument("g++=4:12.2=x") == ("g++", "4:12.2=x")
    assert fields.package_argument("hello=latest") == ("hello", "latest")
    assert fields.package_argument("hello=absent") == ("hello", "absent")
    for wrong in ("hello", "hello=", "=1", ""):
        with pytest.raises(InputError, match="is not NAME=VERSION"):
            fields.package_argument(wrong)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T15:00:00+01:00", datetime.datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("2026-11-22T15:00Z", datetime.datetime(2026, 11, 22, 15, tzinfo=UTC)),
        ("2026-11-22T15:00", datetime.datetime(2026, 11, 22, 15, tzinfo=UTC)),
        ("2026-11-22", datetime.datetime(2026, 11, 22, tzinfo=UTC)),
        (datetime.date(2026, 11, 22), datetime.datetime(2026, 11, 22, tzinfo=UTC)),
        (datetime.datetime(2026, 11, 22, 15), datetime.datetime(2026, 11, 22, 15, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_time_without_a_zone_is_utc(value, expected):
    assert fields.time("after", value) == expected


@pytest.mark.parametrize(
    "value",
    ["tomorrow", "", "2026", "2026-11", "2026-W10", "2026-02-30", "22.11.2026", 20261122, 1.5, True, [],
     "2026-11-22T25:00", "0001-01-01T00:00+14:00", "9999-12-31T23:00-05:00", "2026-11-22T15:00+99:00"],
)  # fmt: skip
def test_a_date_that_is_none_is_refused(value):
    with pytest.raises(InputError, match=r"after: .* (is not a date|is beyond the calendar)"):
        fields.time("after", value)


@pytest.mark.parametrize(
    ("value", "hours"),
    [("14:00", 14), ("09:30", 9.5), ("0:00", 0), ("14:00:36", 14.01), ("23:59", 23 + 59 / 60), (" 1:00 ", 1),
     (840, 14), (50436, 14.01), (1439, 23 + 59 / 60), (3600, 1), (0, 0)],
)  # fmt: skip
def test_a_time_alone_is_one_of_today(value, hours):
    today = datetime.datetime.combine(datetime.datetime.now(UTC).date(), datetime.time(), UTC)
    read = fields.lately("from", value) - today
    assert read % datetime.timedelta(days=1) == datetime.timedelta(hours=hours), "midnight may have passed"


@pytest.mark.parametrize("text", ["1:00", "14:00", "23:59", "1:00:00", "14:00:36", "23:59:59"])
def test_a_time_alone_is_the_same_whether_yaml_read_it_or_not(text):
    assert isinstance(yaml.safe_load(text), int)
    assert fields.lately("from", yaml.safe_load(text)).time() == fields.lately("from", text).time()


def test_other_times_are_as_elsewhere():
    for value in ("2026-11-22T15:00", "2026-11-22", datetime.date(2026, 11, 22), None):
        assert fields.lately("from", value) == fields.time("from", value)


@pytest.mark.parametrize("value", ["24:00", "14:60", "14", "14:00+01:00", "now", "", -1, 86400, 1.5, True, []])
def test_a_time_alone_that_is_none_is_refused(value):
    with pytest.raises(InputError, match=r"from: .* is not a date.* or 14:00"):
        fields.lately("from", value)


def test_the_number_of_a_request():
    assert fields.request_id(7) == 7
    assert fields.request_id("7") == 7
    with pytest.raises(InputError, match="name the request by its number"):
        fields.request_id(None)
    for wrong in (0, -1, "x", "", "\u0667", True, 1.0, 2**63, "9" * 5000, 10**5000, "7; DROP"):
        with pytest.raises(InputError, match="is not the number of a request"):
            fields.request_id(wrong)


def test_the_number_of_something_else_is_named():
    with pytest.raises(InputError, match="name the delegation by its number"):
        fields.request_id(None, "delegation")


def test_threads_of_the_outbox():
    assert fields.thread(7) == fields.thread("7") == fields.thread("request/7") == "request/7"
    assert fields.thread("drift/web1") == "drift/web1"
    for wrong in (None, "", "request/x", "web1", "drift/", 0, True):
        with pytest.raises(InputError):
            fields.thread(wrong)


@pytest.mark.parametrize("value", [0, -1, 2**31, "5", None, True])
def test_a_count_that_is_none_is_refused(value):
    with pytest.raises(InputError, match=r"limit: .* is not a positive number"):
        fields.count("limit", value)


def test_a_wall_time_has_no_zone():
    assert fields.wall_time("starts_on", "2026-01-03 22:00") == datetime.datetime(2026, 1, 3, 22)
    assert fields.wall_time("starts_on", datetime.date(2026, 1, 3)) == datetime.datetime(2026, 1, 3)
    with pytest.raises(InputError, match=r"starts_on: .* names an offset"):
        fields.wall_time("starts_on", "2026-01-03T22:00Z")


def test_services():
    assert fields.services({"cron": "running"}) == {"cron": "running"}
    for wrong in (None, {}, ["cron"], "cron"):
        with pytest.raises(InputError, match="names no service"):
            fields.services(wrong)
    with pytest.raises(InputError, match="the state of service cron must be text, but the truth value true"):
        fields.services(yaml.safe_load("{cron: on}"))


def test_values_are_what_json_has():
    given = yaml.safe_load("{motd: Hi, n: 1.5, deep: {a: [null, true]}}")
    assert fields.values(given) == given
    for wrong in (None, {}, [], "motd"):
        with pytest.raises(InputError, match="names no value"):
            fields.values(wrong)
    for wrong in ("{d: 2026-01-01}", "{d: .nan}", "{d: !!binary aGk=}", "{d: !!set {a}}"):
        with pytest.raises(InputError, match="the value of d has a part that JSON has no form for"):
            fields.values(yaml.safe_load(wrong))
    with pytest.raises(InputError, match="a key in the value of d must be text, but the number 1"):
        fields.values({"d": [{"a": {1: 2}}]})


def test_the_same_json_has_the_same_text():
    assert fields.json_text("it", {"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'
    with pytest.raises(InputError, match="it is not valid UTF-8"):
        fields.json_text("it", "\ud800")
    with pytest.raises(InputError, match="it must not contain a NUL character"):
        fields.json_text("it", {"a": ["\0"]})


def test_parameters():
    assert fields.parameters(None) == {}
    assert fields.parameters({"at_time": 5}) == {"at_time": 5}
    with pytest.raises(InputError, match="parameters must be a mapping"):
        fields.parameters([5])


def test_a_rollout():
    assert fields.rollout(None) is None
    assert fields.rollout({"canaries": 2}) == {"canaries": 2}
    assert fields.rollout('{"soak": "1 hour"}') == {"soak": "1 hour"}
    for wrong in ("canaries", "[1]", [1], 2):
        with pytest.raises(InputError, match=": give a mapping, as JSON"):
            fields.rollout(wrong)


def test_services_and_json_on_the_command_line():
    assert fields.service_argument("cron=dead") == ("cron", "dead")
    assert fields.json_argument('motd={"a": 1}') == ("motd", {"a": 1})
    with pytest.raises(InputError, match="'cron' is not NAME=running or NAME=dead"):
        fields.service_argument("cron")
    for wrong in ("motd=Hi there", "motd", "motd="):
        with pytest.raises(InputError, match="is not NAME=JSON"):
            fields.json_argument(wrong)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hello", ("package", "hello")),
        ("package:hello", ("package", "hello")),
        ("libc6:i386", ("package", "libc6:i386")),
        ("package:libc6:i386", ("package", "libc6:i386")),
        ("service:cron", ("service", "cron")),
        ("action:system.reboot", ("action", "system.reboot")),
    ],
)
def test_resources(value, expected):
    assert fields.resource(value) == expected


@pytest.mark.parametrize("value", ["srevice:cron", "pkg:hello", "file:x", "values:motd", "hello:1.0", "Service:cron"])
def test_a_kind_that_is_none_is_refused_by_name(value):
    with pytest.raises(
        InputError, match=f"'{value.partition(':')[0]}' is not a kind of resource: kinds are package, service"
    ):
        fields.resource(value)


@pytest.mark.parametrize("value", ["libc6:i386", "gcc:amd64", "package:odd:name"])
def test_a_package_may_have_a_colon(value):
    assert fields.resource(value) == ("package", value.removeprefix("package:"))


@pytest.mark.parametrize("value", [None, "", 7, "service:"])
def test_what_names_no_resource_is_refused(value):
    with pytest.raises(InputError, match="the resource"):
        fields.resource(value)


def test_text_arguments_that_yaml_made_numbers_of_are_refused():
    with pytest.raises(InputError, match="external_ref must be text, but the number 10 was given: quote it"):
        fields.optional_text("external_ref", yaml.safe_load("0012"))
    assert fields.optional_text("external_ref", None) is None
