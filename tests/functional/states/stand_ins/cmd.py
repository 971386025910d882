"""Stand-in for Salt's cmd module: the commands that the state runs, answered by the Machine."""

__virtualname__ = "cmd"


def __virtual__():
    return __virtualname__


def run_all(cmd, python_shell, output_loglevel, ignore_retcode=False, env=None):
    assert not python_shell
    retcode, stdout, stderr = __context__["machine"].command(cmd)
    return {"pid": 1, "retcode": retcode, "stdout": stdout, "stderr": stderr}


def run_stdout(cmd, python_shell, output_loglevel):
    return run_all(cmd, python_shell, output_loglevel)["stdout"]
