"""Runs state functions through Salt's loader, in the root of a minion.

    state_server.py FOLDER          with _states and _modules in it

Reads one request per line, JSON: grains, pillar, state, arguments; writes what the state returned, as one line.
"""

import json
import os
import sys

import salt.config
import salt.loader


def run(folder, grains, pillar, state, arguments):
    opts = dict(salt.config.DEFAULT_MINION_OPTS)
    opts.update(
        {
            "id": "web1",
            "test": arguments.pop("test", False),
            "cachedir": "/var/cache/salt",
            "extension_modules": "/var/cache/salt/extmods",
            "module_dirs": [f"{folder}/_modules"],
            "states_dirs": [f"{folder}/_states"],
            "grains": grains,
            "pillar": pillar,
        }
    )
    context = {}
    utils = salt.loader.utils(opts, context=context)
    functions = salt.loader.minion_mods(opts, context=context, utils=utils)
    states = salt.loader.states(opts, functions, utils, None, context=context)
    return states[state]("approval", **arguments)


def main(folder):
    os.makedirs("/var/cache/salt", exist_ok=True)
    # Output of others has to stay out of the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(run(folder, **json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
