"""What docs/rest.md has typed is run as it stands there, against a service of its own."""

import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[3] / "docs/rest.md"
ADDRESS = "https://approval.example.com"


@pytest.fixture
def run(open_portal, make_token, tmp_path):
    """A function that runs the example in a language as somebody with a token in the file; gives what it printed."""
    service = open_portal()
    page = PAGE.read_text(encoding="utf-8")

    def ran(language, name):
        (example,) = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        assert ADDRESS in example
        token = tmp_path / "robot.token"
        token.touch(mode=0o600)
        token.write_text(make_token(name, "read", "request", "decide") + "\n")
        program = [sys.executable, "-"] if language == "python" else ["bash", "-euo", "pipefail"]
        text = example.replace(ADDRESS, f"http://127.0.0.1:{service.port}")
        return subprocess.run(program, cwd=tmp_path, input=text, capture_output=True, text=True, check=True).stdout

    return ran


def test_the_examples(run, people):
    said = run("bash", "alice")
    assert '"name": "alice"' in said
    assert '"would_be"' in said
    assert people.execute("SELECT requester_id IS NOT NULL, reason, state FROM approval.request") == [
        (True, "CHG-7", "pending")
    ]
    ((number,),) = people.execute("SELECT request_id FROM approval.request")
    assert run("python", "bob") == f"{number} 200 {{'request': {number}, 'state': 'pending'}}\n"
    assert people.execute("SELECT comment FROM approval.decision") == [("as the change board said",)]
    assert run("python", "carol").startswith(f"{number} stage 2 (release) asks for an identity that is authenticated")
