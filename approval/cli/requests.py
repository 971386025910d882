"""Commands on requests: to make them, to decide them, and to see what became of them."""

from ..errors import InputError
from .command import DONE, REFUSED, answer, client, leaf, note

# How a resource stands that is not as it was approved: since it was proven, or since it was first looked at.
DRIFT = {"drift", "drifted"}


def add(commands):
    """Declare the commands."""
    command = leaf(commands, "request", _request, "ask for something on minions")
    command.add_argument("type", help="one of `salt-approval types`, which says what it is about")
    _add_content(command)
    command.add_argument("--reason", required=True, help="why, for those who approve")
    command.add_argument("--after", metavar="TIME", help="not before this time: ISO 8601, UTC where no zone is named")
    command.add_argument(
        "--external-ref",
        metavar="KEY",
        help="of a ticket; the same key again by the same way (here, or salt-run) is the same request",
    )
    command.add_argument(
        "--on-behalf-of", metavar="NAME", help="the principal for whom it is, who cannot approve it either"
    )
    _add_overlap(command)
    command.add_argument(
        "--rollout",
        metavar="JSON",
        help='parts of the type\'s rollout made stricter: {"canaries": 2, "soak": "1 hour"}',
    )
    command.add_argument(
        "--dry-run", action="store_true", help="only show what would be asked, and who could approve it"
    )
    command = _of_request(commands, "amend", _amend, "give a pending request of one's own another content")
    _add_content(command)
    command.add_argument("--comment", default="", help="for the record")
    command = _of_request(
        commands, "resolve", _resolve, "say what becomes of another request that one's own contradicts"
    )
    command.add_argument("other", help="the number of the other one")
    command.add_argument("resolution", help="supersede: the other is cancelled; wait: until the other is done")
    command = _of_request(commands, "cancel", _cancel, "take back a request of one's own: what was not sent or proven")
    command.add_argument("--comment", default="", help="for the record")
    command = _of_request(commands, "revert", _revert, "ask to restore what held before a request")
    command.add_argument("--minion", metavar="ID", action="append", help="only on this one; repeatable; else on all")
    command.add_argument("--reason", help="why, for those who approve")
    command.add_argument("--type", default="revert", help="a request type for this (%(default)s)")
    _add_overlap(command)
    _add_decisions(commands)
    _add_questions(commands)


def _add_decisions(commands):
    for name, what in (("approve", "approve the stage that a request waits at"), ("reject", "end a request")):
        command = _of_request(commands, name, _decide, what)
        command.set_defaults(decision=name)
        command.add_argument("--comment", default="", help="for the record")
        command.add_argument("--digest", help="of the items reviewed, as `show` gave it: refused if they changed since")
        command.add_argument(
            "--stage",
            metavar="NUMBER",
            type=int,
            help="as `show` gave it: refused if the request is at another one by now",
        )
    command = _of_request(commands, "review", _review, "record the review that an emergency needs afterwards")
    command.add_argument("--comment", default="", help="what it found")
    command = _of_request(commands, "break-glass", _break_glass, "let an approved request past windows and freezes")
    command.add_argument("--comment", required=True, help="why; it is recorded")
    command = leaf(commands, "delegate", _delegate, "let somebody else decide in one's stead until a date")
    command.add_argument("to", metavar="NAME", help="the principal who may")
    command.add_argument("--until", metavar="TIME", required=True, help="ISO 8601; at most a year ahead")
    command.add_argument("--from", metavar="TIME", dest="start", help="else from now on")
    command = leaf(commands, "undelegate", _undelegate, "end a delegation of one's own")
    command.add_argument("delegation", metavar="NUMBER", help="as `delegations` gives it")
    leaf(commands, "delegations", _delegations, "the delegations that are on or to come")


def _add_questions(commands):
    command = leaf(commands, "list", _list, "the newest requests, or what waits for somebody")
    whose = command.add_mutually_exclusive_group()
    whose.add_argument("--mine", action="store_true", help="only those asked for by oneself, or for oneself")
    whose.add_argument("--decided", action="store_true", help="only those of which one decided something")
    whose.add_argument("--waiting-for-me", action="store_true", help="what one can decide or review now")
    whose.add_argument(
        "--for",
        metavar="NAME",
        dest="person",
        help="what this principal can decide or review now (auditors, operators)",
    )
    command.add_argument("--state", help="only these: pending, approved, converged, ...")
    command.add_argument("--minion", metavar="ID", help="only those that name this minion")
    command.add_argument("--limit", type=int, default=50, help="how many at most (%(default)s)")
    command.add_argument(
        "--after", metavar="REQUEST", help="the next page: what comes behind this one, the last of the page before"
    )
    command = _of_request(
        commands,
        "show",
        _show,
        "a request: items, chain, decisions, what it waits for, outcome; exit code 1 if any of it drifted",
    )
    command.add_argument("--failed", action="store_true", help="only items that failed, or have drifted since")
    command.add_argument("--items", action="store_true", help="each item, where alike minions are else one line")
    command.add_argument("--limit", type=int, default=1000, help="how many items at most (%(default)s)")
    command.add_argument(
        "--after", metavar=("MINION", "KIND", "NAME"), nargs=3, help="the next page of items: those behind this one"
    )
    command.add_argument(
        "--show-values",
        action="store_true",
        help="what is sensitive as it is, for who may read values; the audit records who looked",
    )
    command = leaf(
        commands, "state", _state, "what is approved for a minion, now and later; exit code 1 if any of it drifted"
    )
    command.add_argument("minion", metavar="ID")
    command = leaf(
        commands, "why", _why, "why a minion has what it has: every request about it; exit code 1 if it drifted"
    )
    command.add_argument("minion", metavar="ID")
    command.add_argument("resource", help="a package's name, or KIND:NAME as in service:cron")
    command = leaf(commands, "what-if", _what_if, "who would have to approve a request")
    command.add_argument("type", help="one of `salt-approval types`")
    command.add_argument("--minions", metavar="N", type=int, default=1, help="over so many (%(default)s)")
    command.add_argument("--requester", metavar="NAME", help="made by this principal; else by oneself")


def _of_request(commands, name, run, what):
    command = leaf(commands, name, run, what)
    command.add_argument("request", help="its number")
    return command


def _add_overlap(command):
    command.add_argument(
        "--overlap", metavar="RESOLUTION",
        help="what to do about open requests that it contradicts: supersede or wait",
    )  # fmt: skip


def _add_content(command):
    command.add_argument("--minion", metavar="ID", action="append", required=True, help="exact id; repeatable")
    for option, form, what in (
        ("package", "NAME=VERSION", "a version, perhaps with *, latest, or absent"),
        # Not --service, which in front of the command is libpq's.
        ("service-state", "NAME=STATE", "running or dead"),
        ("value", "NAME=JSON", "a value in the pillar"),
        ("parameter", "NAME=JSON", "of an action"),
    ):
        command.add_argument(f"--{option}", metavar=form, action="append", help=f"{what}; repeatable")


def _content(arguments):
    """The content that is asked for, as the client takes it."""
    from ..intake import fields

    return {
        argument: _mapping(option, getattr(arguments, option), parse)
        for argument, option, parse in (
            ("packages", "package", fields.package_argument),
            ("services", "service_state", fields.service_argument),
            ("values", "value", fields.json_argument),
            ("parameters", "parameter", fields.json_argument),
        )
    }


def _mapping(option, words, parse):
    if words is None:
        return None
    given = {}
    for word in words:
        name, content = parse(word)
        if name in given and given[name] != content:
            raise InputError(f"{option.replace('_', ' ')} {name} is given twice, with different content")
        given[name] = content
    return given


def _request(arguments):
    from . import render

    content = _content(arguments)
    with client(arguments) as acting:
        shown = acting.request(
            arguments.type,
            arguments.minion,
            reason=arguments.reason,
            after=arguments.after,
            external_ref=arguments.external_ref,
            on_behalf_of=arguments.on_behalf_of,
            overlap=arguments.overlap,
            dry_run=arguments.dry_run,
            rollout=arguments.rollout,
            **content,
        )
    return answer(arguments, shown, render.request)


def _amend(arguments):
    from . import render

    content = _content(arguments)
    with client(arguments) as acting:
        shown = acting.amend(arguments.request, arguments.minion, comment=arguments.comment, **content)
    return answer(arguments, shown, render.request)


def _resolve(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.resolve(arguments.request, arguments.other, arguments.resolution)
    return answer(arguments, shown, render.request)


def _cancel(arguments):
    with client(arguments) as acting:
        result = acting.cancel(arguments.request, arguments.comment)
    return answer(arguments, result, _request_state)


def _revert(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.revert(arguments.request, arguments.minion, arguments.reason, arguments.type, arguments.overlap)
    return answer(arguments, shown, render.request)


def _decide(arguments):
    with client(arguments) as acting:
        decide = acting.approve if arguments.decision == "approve" else acting.reject
        result = decide(arguments.request, arguments.comment, arguments.digest, arguments.stage)
    return answer(arguments, result, _request_state)


def _review(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.review(arguments.request, arguments.comment)
    return answer(arguments, shown, render.request)


def _break_glass(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.break_glass(arguments.request, arguments.comment)
    return answer(arguments, shown, render.request)


def _delegate(arguments):
    with client(arguments) as acting:
        result = acting.delegate(arguments.to, arguments.until, arguments.start)
    return answer(arguments, result, lambda result: f"delegation {result['delegation']}")


def _undelegate(arguments):
    with client(arguments) as acting:
        result = acting.undelegate(arguments.delegation)
    answer(arguments, result, lambda result: "ended" if result["ended"] else "you have none of this number")
    return DONE if result["ended"] else REFUSED


def _delegations(arguments):
    from . import render

    with client(arguments) as acting:
        rows = acting.delegations()
    return answer(arguments, rows, render.delegations)


def _list(arguments):
    from . import render

    with client(arguments) as acting:
        if arguments.waiting_for_me or arguments.person:
            if arguments.state or arguments.minion:
                raise InputError("--state and --minion are for lists of requests: leave them out")
            rows = acting.inbox(arguments.person, arguments.limit, arguments.after)
            return answer(arguments, rows, render.inbox)
        rows = acting.list(
            arguments.state, arguments.minion, arguments.limit, arguments.mine, arguments.after, arguments.decided
        )
        note(acting, "requests")
    return answer(arguments, rows, render.requests)


def _show(arguments):
    from . import render

    with client(arguments) as acting:
        looked = acting.values(arguments.request, arguments.after, arguments.limit) if arguments.show_values else None
        shown = acting.show(
            arguments.request,
            outcomes=render.FAILED if arguments.failed else None,
            after=arguments.after,
            limit=arguments.limit,
        )
        note(acting, "values")
    if looked is not None:
        clear = {_place(item): item for item in looked["items"]}
        shown["items"] = [
            {**item, **clear.get(_place(item), {}), "standing": item["standing"], "sent": item["sent"]}
            for item in shown["items"]
        ]
    # The lines of groups have no values of their own.
    each = arguments.items or arguments.after is not None or arguments.show_values
    answer(arguments, shown, lambda shown: render.request(shown, each, arguments.failed))
    # Of all items, also those on other pages; and not of those that were superseded since.
    return REFUSED if shown["drift_count"] else DONE


def _place(item):
    return item["minion"], item["kind"], item["name"]


def _state(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.state(arguments.minion)
        note(acting, "values")
    answer(arguments, shown, render.state)
    items = [item for document in shown["documents"] if document["in_force"] for item in document["items"]]
    return REFUSED if any(item["standing"] in DRIFT for item in items) else DONE


def _why(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.why(arguments.minion, arguments.resource)
        note(acting, "requests", "values")
    answer(arguments, shown, render.why)
    in_force = [story for story in shown["requests"] if story["standing"] == "in force"]
    return REFUSED if any(story["outcome"] in DRIFT for story in in_force) else DONE


def _what_if(arguments):
    from . import render

    with client(arguments) as acting:
        shown = acting.what_if(arguments.type, arguments.minions, arguments.requester)
    return answer(arguments, shown, render.what_if)


def _request_state(result):
    return f"request {result['request']}: {result['state']}"
