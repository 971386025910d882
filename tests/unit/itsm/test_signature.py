"""Which deliveries are proven to come from their site."""

import datetime
import os

import pytest

from saltext.approval.errors import ConfigError
from saltext.approval.itsm import signature
from saltext.approval.itsm.ticket import NoSignature, Unsigned

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)
# The example of the documentation of Jira's webhooks.
KNOWN_SECRET, KNOWN_BODY = "It's a Secret to Everybody", b"Hello World!"
KNOWN = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


@pytest.fixture
def secret(tmp_path):
    """A function that gives a Secret in a file of its own."""

    def make(text=KNOWN_SECRET, until=None, mode=0o600):
        path = tmp_path / f"secret{len(list(tmp_path.iterdir()))}"
        path.write_text(f"{text}\n")
        path.chmod(mode)
        return signature.Secret("approval:itsm:sites:x: webhook_secrets", str(path), until)

    return make


@pytest.mark.parametrize("name", ["X-Hub-Signature", "x-hub-signature"])
def test_the_known_vector(secret, name):
    assert signature.check_hub((secret(),), {name: KNOWN}, KNOWN_BODY, NOW) is None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Hub-Signature": KNOWN}, b"Hello World?"),
        ({"X-Hub-Signature": KNOWN}, b""),
        ({"X-Hub-Signature": KNOWN[:-1] + "8"}, KNOWN_BODY),
        ({"X-Hub-Signature": KNOWN[:-2]}, KNOWN_BODY),
        ({"X-Hub-Signature": KNOWN.upper()}, KNOWN_BODY),
        ({"X-Hub-Signature": KNOWN + " "}, KNOWN_BODY),
        ({"X-Hub-Signature": KNOWN.partition("=")[2]}, KNOWN_BODY),
        ({"X-Hub-Signature": "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"}, KNOWN_BODY),
        ({"X-Hub-Signature": "sha256="}, KNOWN_BODY),
        ({"X-Hub-Signature": ""}, KNOWN_BODY),
    ],
)
def test_what_is_not_signed_so_is_refused(secret, headers, body):
    with pytest.raises(Unsigned) as refused:
        signature.check_hub((secret(),), headers, body, NOW)
    assert not isinstance(refused.value, NoSignature)
    assert KNOWN_SECRET not in str(refused.value)


def test_a_missing_signature_is_told_from_a_wrong_one(secret):
    for check in (signature.check_hub, signature.check_own):
        with pytest.raises(NoSignature):
            check((secret(),), {"X-Hub-Signature-256": KNOWN}, KNOWN_BODY, NOW)


def test_a_site_without_secrets_takes_nothing():
    with pytest.raises(Unsigned, match="no webhook_secrets"):
        signature.check_hub((), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW)


def test_an_old_secret_counts_until_its_day_and_its_use_is_told(secret):
    new, old = secret("another secret of the site"), secret(until=NOW.date())
    told = signature.check_hub((new, old), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW)
    assert told == f"{old.file}, which counts until 2026-11-25"
    with pytest.raises(Unsigned, match="none of the site's secrets"):
        signature.check_hub((new, old), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW + datetime.timedelta(days=1))


def test_an_old_secret_may_be_gone_when_its_day_is_over(secret):
    old = secret(until=NOW.date() - datetime.timedelta(days=1))
    os.remove(old.file)
    assert signature.check_hub((secret(), old), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW) is None


@pytest.mark.parametrize(
    ("text", "mode", "says"), [(KNOWN_SECRET, 0o644, "so others may read"), ("7 chars", 0o600, "at least 8")]
)
def test_files_that_hold_no_secret(secret, text, mode, says):
    with pytest.raises(ConfigError, match=says) as refused:
        signature.check_hub((secret(text, mode=mode),), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW)
    assert text not in str(refused.value)


def test_a_secret_is_read_anew_when_its_file_changes(secret):
    ours = secret("another secret of the site")
    with pytest.raises(Unsigned):
        signature.check_hub((ours,), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW)
    with open(ours.file, "w") as file:
        file.write(KNOWN_SECRET)
    assert signature.check_hub((ours,), {"X-Hub-Signature": KNOWN}, KNOWN_BODY, NOW) is None


def test_what_we_sign_ourselves_is_right_for_five_minutes(secret):
    keys = (secret(),)
    headers = signature.sign_own(keys, b"{}", NOW)
    for apart in (-300, 0, 300):
        assert signature.check_own(keys, headers, b"{}", NOW + datetime.timedelta(seconds=apart)) is None
    for apart in (-301, 301):
        with pytest.raises(Unsigned, match="300 s"):
            signature.check_own(keys, headers, b"{}", NOW + datetime.timedelta(seconds=apart))


@pytest.mark.parametrize(
    "change",
    [
        {"X-Approval-Timestamp": "1795608001"},
        {"X-Approval-Timestamp": "-1"},
        {"X-Approval-Timestamp": "1795608000.0"},
        {"X-Approval-Timestamp": "\u0661"},
        {"X-Approval-Timestamp": None},
        {"X-Approval-Signature": "v1="},
        {"X-Approval-Signature": "v0=" + "A" * 43 + "="},
        {"X-Approval-Signature": "v1=" + "A" * 43 + "="},
        {"X-Approval-Signature": "v1=" + "\u00e9" * 43 + "="},
    ],
)
def test_what_is_not_signed_by_us_so_is_refused(secret, change):
    keys = (secret(),)
    headers = {**signature.sign_own(keys, b"{}", NOW), **change}
    with pytest.raises(Unsigned):
        signature.check_own(keys, {name: value for name, value in headers.items() if value is not None}, b"{}", NOW)


def test_user_and_password():
    assert signature.is_basic("Basic dXNlcjpzZWNyZXQ=", "user", "secret")
    for wrong in ("Basic dXNlcjpzZWNyZXR=", "dXNlcjpzZWNyZXQ=", "Bearer secret", "", "Basic \u00e9"):
        assert not signature.is_basic(wrong, "user", "secret")
