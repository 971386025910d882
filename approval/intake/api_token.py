"""Tokens of the REST API, by which programs act for people: what one looks like.

One is ``sap_``, 43 letters and digits made by chance, and 6 more that are a checksum of these. So whoever scans texts
for secrets finds it by its shape alone, and one that was cut off or mistyped is told apart from one that has ended.
"""

import re
import secrets
import string
import zlib

PREFIX = "sap_"
DIGITS = string.digits + string.ascii_letters
LENGTH, CHECKSUM_LENGTH = 43, 6  # characters; 43 of 62 kinds are 256 bits
SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")


def new():
    """A token that nobody had before."""
    body = "".join(secrets.choice(DIGITS) for _ in range(LENGTH))
    return PREFIX + body + _checksum(body)


def is_whole(text):
    """Whether the text is one such, to its last character."""
    found = SHAPE.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def _checksum(body):
    """The CRC-32 of the text in digits of base 62."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
