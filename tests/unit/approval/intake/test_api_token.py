"""Tokens of the API: one that was made is whole, and nothing else is."""

import pytest

from saltext.approval.intake import api_token, masking

# Made once, so that the checksum stays what scanners and other programs know.
KNOWN = "sap_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG" + "32l9jW"


def test_each_is_another_and_whole():
    made = {api_token.new() for _ in range(100)}
    assert len(made) == 100
    assert all(api_token.is_whole(token) and len(token) == 53 for token in made)


def test_the_checksum_stays():
    assert api_token.is_whole(KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "", "sap_", KNOWN[:-1], KNOWN + "0", KNOWN[4:], KNOWN.upper(), KNOWN[:-1] + "x", KNOWN.replace("123", "132"),
        KNOWN + "\n",
    ],
)  # fmt: skip
def test_what_is_none(text):
    assert not api_token.is_whole(text)


def test_it_is_hidden_in_jobs():
    assert KNOWN[10:] not in masking.usual.masked_text(f"curl --oauth2-bearer {KNOWN} https://approval.example.com")
    assert KNOWN[10:] not in masking.usual.masked_text(f"echo {KNOWN}")
