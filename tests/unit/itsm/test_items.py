"""From the fields of a ticket to minions, packages and times: what is taken, and what is refused."""

import datetime

import pytest

from saltext.approval.errors import InputError
from saltext.approval.itsm import items

OPTIONS = [("options", "minions")]
LONG = "a" * 255


def at(text):
    return datetime.datetime.fromisoformat(text)


def option(value, child=None):
    return {"value": value, "id": "1", **({} if child is None else {"child": {"value": child, "id": "2"}})}


@pytest.mark.parametrize("minion", ["web1", "web-1.example.org", "WEB_1", "1", LONG])
def test_minion_ids(minion):
    assert items.minions(OPTIONS, {"minions": [option(minion)]}) == (minion,)


@pytest.mark.parametrize(
    "minion",
    [
        *("*", "web*", "web?", "web[12]", "web{1,2}", "", " ", "web1 ", " web1", "web1,web2", "web1 web2", "web1\n"),
        *("\tweb1", "web1\0", "../web1", "web1/2", "web\\1", "G@os:Debian", "E@web.*", "web1;id", "$(id)", "`id`"),
        *("{{ grains.id }}", "${id}", "-web1", ".", "--", "wéb1", "web\uff11", "web1\u200b", "\u202eweb1", LONG + "a"),
        *("null", "None", "undefined", "nan"),
    ],
)
def test_no_minion_ids(minion):
    for fields, form in (([option(minion)], "options"), ([minion], "list")):
        with pytest.raises(InputError, match="minion id"):
            items.minions([(form, "minions")], {"minions": fields})


@pytest.mark.parametrize(
    "value",
    [
        *([None], [1], [True], [["web1"]], [{}], [{"id": "1"}], [option(None)], [option(5)], [option(["web1"])]),
        *([option({"value": "web1"})], {"web1": 1}, "web1", 5, True, [option("web1"), None]),
    ],
)
def test_what_is_no_choice_of_minions(value):
    with pytest.raises(InputError, match="minions: "):
        items.minions(OPTIONS, {"minions": value})


def test_minions_that_are_named_twice_count_once_and_keep_their_order():
    chosen = [option("web2"), option("web1"), option("web2")]
    assert items.minions(OPTIONS, {"minions": chosen}) == ("web2", "web1")


def test_minions_whose_case_differs_are_refused():
    with pytest.raises(InputError, match="WEB1 and web1 differ in letter case only"):
        items.minions(OPTIONS, {"minions": [option("web1"), option("WEB1")]})


@pytest.mark.parametrize("fields", [{}, {"minions": None}, {"minions": []}])
def test_no_minion_at_all(fields):
    with pytest.raises(InputError, match="names no minion"):
        items.minions(OPTIONS, fields)


@pytest.mark.parametrize(
    ("form", "value", "found"),
    [
        ("options", option("web1"), ("web1",)),
        ("list", ["web1", "web2"], ("web1", "web2")),
        ("lines", "web1\r\n\n\t web2 \n", ("web1", "web2")),
        ("commas", "web1,web2", ("web1", "web2")),
        ("commas", "web1, web2", ("web1", "web2")),
    ],
)
def test_forms_of_minions(form, value, found):
    assert items.minions([(form, "f")], {"f": value}) == found


@pytest.mark.parametrize(
    ("form", "value"),
    [
        *(("commas", "web1,,web2"), ("commas", "web1,"), ("commas", ","), ("commas", ["web1"]), ("commas", "a,\tb")),
        *(("lines", "web1 web2"), ("lines", ["web1"]), ("lines", "web1\rweb2"), ("lines", "web1\u2028web2")),
        *(("list", "web1"), ("list", {"web1": None})),
    ],
)
def test_forms_that_are_broken(form, value):
    with pytest.raises(InputError):
        items.minions([(form, "f")], {"f": value})


@pytest.mark.parametrize(
    ("version", "rule"),
    [
        *((version, "debian") for version in ("2.10-3", "1:2.10-3", "1.0~rc1+dfsg-1+b2", "0", "9" * 128)),
        *((version, "any") for version in ("2.10-3", "1:2.10-3.el9_2", "v2.10", "1.2_3,1", "1.0^20260101git", "1.2.3")),
    ],
)
def test_versions(version, rule):
    assert items.package("f", "hello", version, rule) == ("hello", version)


@pytest.mark.parametrize("rule", items.RULES)
@pytest.mark.parametrize(
    "version",
    [
        *("", " ", "2.10-3 ", " 2.10-3", "2.10 -3", "2.10-3\n", "2.10\t3", "2.10-3\0", "*", "2.*", "2.1?", "[0-9]"),
        *("none", "None", "null", "NULL", "any", "true", "false", "installed", "present", "purged", "undefined", "nan"),
        *("absent", "removed", "newest", "stable", "{{ 1+1 }}", "{{issue.version}}", "${version}", "$(id)", "`id`"),
        *("8:6.9:1", ":1", "1:", "a:1", "-1:2", "::", "1::2", ">=2.10", "=2.10", "<3", "!=1", "~1", "-1", "--force"),
        *("2.10;id", "2.10|id", "2.10&id", "2.10/3", "..", "../2.10", "2.10'", '2.10"', "2.10\\", "2.10,", "2.10,1,2"),
        *(
            "\uff12.10",
            "2.10\u200b",
            "\u0663.1",
            "²",
            "2.10\u20133",
            "9" * 129,
            "latest ",
            "remove\n",
            "2.10-3, 2.10-4",
            "http://x/1",
        ),
    ],
)
def test_no_versions(version, rule):
    with pytest.raises(InputError, match="no version of hello"):
        items.package("f", "hello", version, rule)


@pytest.mark.parametrize("version", ["v2.10", "2.10-", "1.2_3", "1.0^1", "1,1", "r5"])
def test_no_versions_of_debian(version):
    with pytest.raises(InputError, match="no version of hello"):
        items.package("f", "hello", version, "debian")


@pytest.mark.parametrize("version", [2.1, 5, True, None, ["2.10-3"], {"value": "2.10-3"}])
def test_versions_that_are_no_text(version):
    with pytest.raises(InputError, match="no version of hello"):
        items.package("f", "hello", version)


@pytest.mark.parametrize(
    ("word", "removal", "content"),
    [
        *((word, ("remove",), "absent") for word in ("remove", "Remove", "REMOVE")),
        *((word, ("remove",), "latest") for word in ("latest", "Latest", "LATEST")),
        *((word, ("absent", "remove"), "absent") for word in ("absent", "Absent", "remove")),
    ],
)
def test_words_for_versions(word, removal, content):
    assert items.package("f", "hello", word, removal=removal) == ("hello", content)


@pytest.mark.parametrize("name", ["hello", "libstdc++6", "g++", "0ad", "libc6:amd64", "a" * 128])
def test_names_of_debian(name):
    assert items.package("f", name, "1", "debian") == (name, "1")


@pytest.mark.parametrize("name", ["Hello", "hello_1", "a", "hello:none", "hello:", "app/hello", "-hello", "+hello"])
def test_no_names_of_debian(name):
    with pytest.raises(InputError, match="no name of a package"):
        items.package("f", name, "1", "debian")


@pytest.mark.parametrize("name", ["GoogleChrome", "app-editors/vim", "kernel-default", "hello.x86_64", "R"])
def test_names(name):
    assert items.package("f", name, "1") == (name, "1")


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "hello ", "hello world", "hello*", "*", "../x", "/srv/x.deb", "x/y.deb", "x/y.RPM", "x/y/z", "-y"),
        *("{{name}}", "${name}", "hello\n", "hello\0", "hello;id", "héllo", "hello,cowsay", "hello=1", "null", "None"),
        *("a" * 129, None, 5, True, ["hello"], {"value": "hello"}),
    ],
)
def test_no_names(name):
    with pytest.raises(InputError, match="no name of a package"):
        items.package("f", name, "1")


BOTH = [("cascade", "chosen"), ("lines", "typed")]


def test_packages_of_several_fields_are_put_together():
    fields = {"chosen": option("hello", "2.10-3"), "typed": "hello 2.10-3\n\n  cowsay\tREMOVE\r\nsl  Latest\n"}
    assert items.packages(BOTH, fields) == (
        ("package", "hello", "2.10-3"),
        ("package", "cowsay", "absent"),
        ("package", "sl", "latest"),
    )


@pytest.mark.parametrize("typed", ["hello 2.10-4", "hello latest", "hello Remove", "hello 0:2.10-3"])
def test_contradictions_are_refused(typed):
    with pytest.raises(InputError, match=r"hello is asked for as 2\.10-3 and as"):
        items.packages(BOTH, {"chosen": option("hello", "2.10-3"), "typed": typed})


def test_names_whose_case_differs_are_refused():
    with pytest.raises(InputError, match="differ in letter case only"):
        items.packages(BOTH, {"chosen": option("Chrome", "1"), "typed": "chrome 1"})


@pytest.mark.parametrize(
    "typed",
    ["hello", "hello 2.10-3 now", "hello=2.10-3", "# hello 2.10-3", "hello: 2.10-3", "hello\u00a02.10-3", "- hello 1"],
)
def test_lines_that_are_no_name_and_version(typed):
    with pytest.raises(InputError, match="typed, line 2: "):
        items.packages(BOTH, {"typed": f"sl 1\n{typed}"})


@pytest.mark.parametrize(
    "chosen",
    [
        *(option("hello"), {"value": "hello", "child": None}, {"value": "hello", "child": "2.10-3"}),
        *({"value": "hello", "child": {}}, [option("hello", "1")], "hello", 5, {"child": option("2.10-3")}),
        *(option(None, "1"), option("", "1"), option("hello", "")),
    ],
)
def test_what_is_no_choice_of_a_package(chosen):
    with pytest.raises(InputError, match="chosen"):
        items.packages(BOTH, {"chosen": chosen})


@pytest.mark.parametrize("fields", [{}, {"chosen": None, "typed": None}, {"typed": " \n\t\r\n"}, {"typed": ""}])
def test_no_package_at_all(fields):
    with pytest.raises(InputError, match="names no package"):
        items.packages(BOTH, fields)


@pytest.mark.parametrize(
    "value",
    [
        [{"name": "hello", "version": "2.10-3"}, {"name": "sl", "version": "absent"}],
        '[{"name": "hello", "version": "2.10-3"}, {"name": "sl", "version": "Absent"}]',
    ],
)
def test_packages_as_objects(value):
    assert items.packages([("objects", "f")], {"f": value}, removal=("absent",)) == (
        ("package", "hello", "2.10-3"),
        ("package", "sl", "absent"),
    )


@pytest.mark.parametrize(
    "value",
    [
        *([], "[]", "", "hello 2.10-3", "[", '{"name": "hello", "version": "1"}', [["hello", "1"]], ["hello"], [None]),
        *([{"name": "hello"}], [{"version": "1"}], [{"name": "hello", "version": "1", "action": "remove"}], 5),
        *([{"name": "hello", "version": 2.1}], [{"name": "hello", "version": None}], [{"name": None, "version": "1"}]),
        *('[{"name": "hello", "version": "1", "version": "2"}]', {"name": "hello", "version": "1"}),
    ],
)
def test_objects_that_are_broken(value):
    with pytest.raises(InputError):
        items.packages([("objects", "f")], {"f": value})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-25T22:00:00.000+0000", "2026-11-25T22:00:00+00:00"),
        ("2026-11-25T22:00:00.0+0000", "2026-11-25T22:00:00+00:00"),
        ("2026-11-25T22:00:00Z", "2026-11-25T22:00:00+00:00"),
        ("2026-11-25T22:00Z", "2026-11-25T22:00:00+00:00"),
        ("2026-11-25T22:00:00.123456789+01:00", "2026-11-25T21:00:00.123456+00:00"),
        ("2026-11-25T22:00:00-0330", "2026-11-26T01:30:00+00:00"),
        ("2026-11-25T22:00:00+01", "2026-11-25T21:00:00+00:00"),
        ("2028-02-29T00:00:00+1400", "2028-02-28T10:00:00+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_times(text, meant):
    assert items.moment("after", text) == at(meant)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-25T22:00:00",
            "2026-11-25",
            "2026-11-25 22:00:00+0000",
            "2026-11-25T24:00:00Z",
            "2026-02-30T00:00:00Z",
        ),
        *("2027-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-00T00:00:00Z"),
        *("2026-11-25T23:59:60Z", "2026-11-25T22:60:00Z", "2026-11-25T22:00:00+1500", "2026-11-25T22:00:00+0060"),
        *("2026-11-25T22:00:00 +0000", "2026-11-25T22:00:00Z ", " 2026-11-25T22:00:00Z", "2026-11-25T22:00:00Zulu"),
        *("2026-11-25T22:00:00Z\n", "2026-11-25T22:00:00ZZ", "2026-11-25t22:00:00z", "2026-11-25T22:00:00 CET"),
        *("2026-11-25T22:00:00.+0000", "2026-11-25T22:00:00,5+0000", "2026-11-25T22Z", "20261125T220000Z"),
        *("2026-W48-3T22:00:00Z", "2026-329T22:00:00Z", "25/11/2026 22:00", "11/25/2026", "25.11.2026 22:00"),
        *("1795360811502", "1795360811", "now", "tomorrow", "", " ", "{{issue.After.jiraDateTime}}", "null"),
        *(
            "0001-01-01T00:00:00.000+1400",
            "9999-12-31T23:59:59.999-1400",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+0100",
        ),
        *("2200-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "12026-11-25T22:00:00Z", "-2026-11-25T22:00:00Z"),
        *(
            "\uff12026-11-25T22:00:00Z",
            "2026-11-25T22:00:00\u22120100",
            "2026-11-25T22:00:00." + "0" * 99 + "Z",
            "2026-11-25T22:00:00\0Z",
        ),
        *(1795360811502, 1795360811.5, True, None, ["2026-11-25T22:00:00Z"], {"value": "2026-11-25T22:00:00Z"}),
    ],
)
def test_no_times(text):
    with pytest.raises(InputError, match="after: "):
        items.moment("after", text)


def test_times_in_utc_without_zone():
    assert items.utc_moment("start_date", "2026-11-25 22:00:00") == at("2026-11-25T22:00:00+00:00")


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-25T22:00:00Z", "2026-11-25 22:00:00Z", "2026-11-25 22:00", "2026-11-25", "25-11-2026 22:00:00", ""),
        *("2026-11-25 24:00:00", "2026-02-30 22:00:00", "1969-12-31 22:00:00", "2026-11-25 22:00:00 ", 5, None, []),
    ],
)
def test_no_times_in_utc(text):
    with pytest.raises(InputError, match="start_date: "):
        items.utc_moment("start_date", text)


def test_errors_show_little_and_nothing_that_does_not_print():
    with pytest.raises(InputError) as refused:
        items.minions([("list", "f")], {"f": ["\x1b[31m\u202e" + "x" * 10_000]})
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()
