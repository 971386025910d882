"""The story that `make demo` tells, told to nobody: every outcome in it is checked."""

from narrator import Narrator
from story import Story


def test_story_holds(own_lab):
    Story(own_lab, Narrator()).tell()
