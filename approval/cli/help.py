"""Commands that need nothing: the documentation that comes with the package, and completion for a shell."""

import importlib.metadata
import importlib.resources
import re

from ..errors import InputError
from .command import answer, leaf

# Shell -> the file, with the name under which that shell looks for it; `make man` writes them.
SHELLS = {"bash": "salt-approval", "zsh": "_salt-approval"}
README = "readme"  # which is in the package as its description
PAGES = (
    README,
    "setting-up",
    "policy",
    "daily-work",
    "running",
    "web",
    "portal",
    "rest",
    "job-log",
    "chat",
    "chat-other",
    "alarms",
    "model",
    "cookbook",
    "rollouts",
    "tickets",
    "jira",
    "servicenow",
    "tickets-from-other-systems",
    "minion",
    "validation",
    "roles",
    "people",
    "architecture",
    "performance",
    "moving-from-saltconf21",
    "moving-from-salt-slack",
)
HEADING = re.compile(r"^(#{1,3}) (.+)$")


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "help", _help, "the documentation: a page, a section of one, or which there are")
    command.add_argument("topic", metavar="TOPIC", nargs="?", help="running, connections, the-engine, ...")
    command = leaf(commands, "completion", _completion, "the completion script of a shell")
    command.add_argument(
        "shell", choices=list(SHELLS), help="for bash: source it, or keep it in share/bash-completion/completions"
    )


def _help(arguments):
    if arguments.topic is None:
        topics = {page: [slug for slug, level, _ in _sections(page) if level == 2] for page in PAGES}
        return answer(arguments, topics, _listed)
    topic = _slug(arguments.topic)
    if topic in PAGES:
        return answer(arguments, {"topic": topic, "text": _page(topic)}, lambda shown: shown["text"].rstrip())
    for page in PAGES:
        for slug, _, text in _sections(page):
            if slug == topic:
                return answer(arguments, {"topic": topic, "text": text}, lambda shown: shown["text"].rstrip())
    raise InputError(f"there is no topic {arguments.topic!r}: salt-approval help lists them{_similar(topic)}")


def _similar(topic):
    import difflib

    known = [*PAGES, *(slug for page in PAGES for slug, _, _ in _sections(page))]
    similar = difflib.get_close_matches(topic, known, 1)
    return f"; did you mean {similar[0]}?" if similar else ""


def _listed(topics):
    return "\n".join(line for page, sections in topics.items() for line in (page, *(f"  {name}" for name in sections)))


def _page(name):
    if name == README:
        return importlib.metadata.metadata("saltext-approval").get_payload()
    return _shipped(f"docs/{name}.md")


def _sections(page):
    """The sections of a page, subsections too, each within its own: (name, level, text)."""
    lines = _page(page).splitlines()
    heads, in_code = [], False
    for number, line in enumerate(lines):
        in_code ^= line.startswith("```")
        match = None if in_code else HEADING.match(line)
        if match and len(match[1]) > 1:
            heads.append((number, len(match[1]), _slug(match[2])))
    for index, (number, level, slug) in enumerate(heads):
        end = next((later for later, other, _ in heads[index + 1 :] if other <= level), len(lines))
        yield slug, level, "\n".join(lines[number:end])


def _slug(text):
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")


def _completion(arguments):
    script = _shipped(f"cli/completions/{SHELLS[arguments.shell]}")
    return answer(arguments, {"shell": arguments.shell, "script": script}, lambda shown: shown["script"].rstrip())


def _shipped(name):
    return importlib.resources.files("saltext.approval").joinpath(name).read_text(encoding="utf-8")
