"""The two builds of the C core: that of set-up, and that of `make wheel`, guided by a profile."""

import contextlib
import importlib.util
import pathlib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = {"guided": ROOT / "dist", "plain": ROOT / "build" / "plain"}
CORE = "saltext/approval/_core.abi3.so"


@contextlib.contextmanager
def cores(directory):
    """
    Within the `with`: {"guided": core, "plain": core}, both loaded beside the installed one.

    directory
        Where they are unpacked.
    """
    with contextlib.ExitStack() as stack:
        wheels = {name: stack.enter_context(zipfile.ZipFile(_wheel(folder))) for name, folder in FOLDERS.items()}
        yield {name: _load(wheel.extract(CORE, directory / name)) for name, wheel in wheels.items()}


def _wheel(folder):
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise RuntimeError(f"{folder} has not one wheel: run `make wheel` before")
    return wheels[0]


def _load(path):
    spec = importlib.util.spec_from_file_location("saltext.approval._core", path)
    core = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(core)
    return core
