"""compress() and decompress()."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext.approval import _core

# Without repetitions: of a repetition, a changed frame can say the same in another way.
FRAME = _core.compress(bytes(range(256)))


@given(st.binary(max_size=100_000))
def test_what_goes_in_comes_out(data):
    assert _core.decompress(_core.compress(data)) == data


def test_it_compresses():
    assert len(_core.compress(b"all work and no play " * 1000)) < 1000


def test_a_bound_is_kept():
    assert len(_core.decompress(FRAME, 256)) == 256
    with pytest.raises(_core.DataError, match="255") as caught:
        _core.decompress(FRAME, max_size=255)
    assert caught.value.code == "limit"


def test_a_cut_frame_is_refused():
    for size in range(len(FRAME)):
        with pytest.raises(_core.DataError):
            _core.decompress(FRAME[:size])


def test_a_changed_frame_is_refused():
    for position in range(len(FRAME)):
        changed = bytearray(FRAME)
        changed[position] ^= 0x40
        with pytest.raises(_core.DataError):
            _core.decompress(bytes(changed))


@pytest.mark.parametrize("behind", [b"x", FRAME])
def test_nothing_may_follow(behind):
    with pytest.raises(_core.DataError):
        _core.decompress(FRAME + behind)


@given(st.binary(max_size=200))
def test_noise_is_refused(data):
    with pytest.raises(_core.DataError):
        _core.decompress(data)


@pytest.mark.parametrize("data", ["text", None, bytearray(b"x")])
def test_only_bytes(data):
    with pytest.raises(TypeError):
        _core.compress(data)
    with pytest.raises(TypeError):
        _core.decompress(data)


def test_a_negative_bound():
    with pytest.raises(_core.DataError):
        _core.decompress(FRAME, -1)
