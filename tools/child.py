"""Programs in Python, each in a child of this process.

The child has the modules that are imported here: importing them is most of what a new process spends.
"""

import contextlib
import functools
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import time
import traceback


@functools.cache
def program(name):
    """The function that the console script `name` of an installed package calls."""
    (script,) = importlib.metadata.entry_points(group="console_scripts", name=name)
    return script.load()


def run(main, arguments, environment=None):
    """
    Run a program and wait for its end.

    main
        Called without arguments; its value is the exit status, as for sys.exit().
    arguments
        The command line, with the name of the program first.
    environment
        Variables that it has beside those of this process.

    Gives the subprocess.CompletedProcess, with output and errors as text. The child has no input.
    """
    command = list(map(str, arguments))
    with (
        open(os.devnull, encoding="utf-8") as nothing,
        tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        child = os.fork()
        if child == 0:
            _be(main, command, environment or {}, (nothing, output, errors))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (output, errors):
            file.seek(0)
        return subprocess.CompletedProcess(command, code, output.read(), errors.read())


def _be(main, command, environment, files):
    """Be the program; never returns, as what runs next in here is the parent's."""
    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin = os.fdopen(0, encoding="utf-8")
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
        sys.argv = command
        os.environ.update(environment)
        time.tzset()
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code or 0)
