"""Each method of a client has a route, a function of the runner and a command; exceptions are listed with a reason."""

import ast
import inspect
import pathlib
import re

from saltext.approval.client.api import ROUTES, Client
from saltext.approval.client.database import DatabaseClient

ROOT = pathlib.Path(__file__).resolve().parents[4]
METHODS = {name: method for name, method in vars(Client).items() if inspect.isfunction(method) and name[0] != "_"}
WITHOUT_RUNNER = {
    "export_audit": "salt-run would hold all of it in memory",
    "replay": "it takes a file with the changed types",
    "plan_items": "the runner's plan is made by it",
    "put_plan": "the runner's plan is made by it",
    "sync_progress": "the runner's sync_packages waits by it",
    "readings": "the runner's login may read all",
}
WITHOUT_COMMAND = {
    "plan_items": "the command plan --make is made by it",
    "put_plan": "the command plan --make is made by it",
    "sync_packages": "the command minion sync also waits, by client/syncing.py",
    "sync_progress": "the command minion sync waits by it",
}


def syntax_of(*patterns):
    for pattern in patterns:
        for path in ROOT.glob(pattern):
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def arguments(method):
    return [parameter for name, parameter in inspect.signature(method).parameters.items() if name != "self"]


def test_the_database_client_is_one():
    for name, method in METHODS.items():
        assert inspect.signature(vars(DatabaseClient)[name]) == inspect.signature(method), name
        assert method.__doc__, name


def test_each_has_a_route():
    assert set(ROUTES) == set(METHODS)
    assert len(set(ROUTES.values())) == len(ROUTES)


def test_a_path_names_arguments():
    for name, (verb, path) in ROUTES.items():
        assert verb in ("GET", "POST", "PUT", "DELETE")
        assert re.fullmatch(r"(/[a-z-]+|/\{[a-z_]+\})+", path), path
        required = {one.name for one in arguments(METHODS[name]) if one.default is one.empty}
        assert set(re.findall(r"\{(\w+)\}", path)) <= required, name


def test_each_has_a_function_of_the_runner():
    calls = [node for node in syntax_of("runners/approval.py") if isinstance(node, ast.Call)]
    called = {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("_answer", "_answer_on")
        for argument in call.args[3:4]
    }
    named = {node.name.rstrip("_") for node in syntax_of("runners/approval.py") if isinstance(node, ast.FunctionDef)}
    assert called <= set(METHODS)
    assert set(METHODS) - called - named == set(WITHOUT_RUNNER)


def test_each_has_a_command():
    called = {
        node.attr
        for node in syntax_of("approval/cli/*.py")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "acting"
    }
    assert called <= set(METHODS)
    assert set(METHODS) - called == set(WITHOUT_COMMAND)
