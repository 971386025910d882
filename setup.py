"""Build of saltext-approval: which folder is which package, and the C extension.

Everything that is plain metadata stands in pyproject.toml.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).resolve().parent
ROOT = "saltext.approval"

# Import package -> folder. The folders carry the names people look for; the import names are
# those that Salt's loader looks for and that cannot clash in site-packages. The packages below
# approval/ have the names of their folders.
PACKAGES = {
    ROOT: "approval",
    ROOT + ".pillar": "ext_pillar",
    ROOT + ".returners": "returners",
    ROOT + ".runners": "runners",
    ROOT + ".engines": "engines",
    ROOT + ".states": "states",
    ROOT + ".sql": "sql",
    ROOT + ".itsm": "itsm",
    ROOT + ".portal": "portal",
    ROOT + ".chat": "chat",
    ROOT + ".docs": "docs",
}
PACKAGE_DATA = {
    ROOT: ["py.typed", "*.pyi"],
    ROOT + ".cli": ["completions/*"],
    ROOT + ".policy": ["types.yaml"],
    ROOT + ".trial": ["policy.yaml"],
    ROOT + ".portal": ["openapi.yaml", "locale/*.po", "static/*", "templates/*.html"],
    ROOT + ".itsm": ["*.json", "languages/*.yaml"],
    ROOT + ".chat": ["texts/*.yaml"],
    # A file root for minions: served as it is, never imported from here by name.
    ROOT + ".states": ["_modules/*.py", "_states/*.py", "approval/*.sls"],
    ROOT + ".sql": ["**/*.sql"],
    ROOT + ".docs": ["*.md"],  # `salt-approval help`
}
DATA_FILES = [
    ("share/man/man1", ["docs/salt-approval.1"]),
    ("share/saltext-approval", ["monitoring/alerts.yaml", "monitoring/dashboard.json", "docs/examples/itsm-sc21.yaml"]),
    (
        "share/saltext-approval/systemd",
        [
            "systemd/salt-approval-serve.service",
            "systemd/salt-approval-web.service",
            "systemd/salt-approval.sysusers",
            "systemd/salt-approval.tmpfiles",
        ],
    ),
    ("share/bash-completion/completions", ["approval/cli/completions/salt-approval"]),
]
LIBRARIES = ["libpq", "msgpack", "jansson", "liblz4", "lmdb", "libcrypto", "zlib"]  # pkg-config names
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wstrict-prototypes"]


def pkg_config(option):
    """The words that pkg-config prints for LIBRARIES, or a clear end of the build."""
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), option, *LIBRARIES]
    try:
        return shlex.split(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError) as exc:
        sys.exit(
            f"saltext-approval: {shlex.join(command)} failed: {getattr(exc, 'stderr', '') or exc}\n"
            "On Debian: apt-get install pkg-config "
            "libpq-dev libmsgpack-dev libjansson-dev liblz4-dev liblmdb-dev libssl-dev zlib1g-dev"
        )


def profile_options():
    """What gcc is told by tools/build_wheel.py: to count into a folder what runs, or to compile for these counts."""
    if directory := os.environ.get("APPROVAL_PROFILE_GENERATE"):
        return [f"-fprofile-generate={directory}"]
    if directory := os.environ.get("APPROVAL_PROFILE_USE"):
        # Code that was not run is compiled as without a profile, and not for size. Only with one does -flto pay: it
        # then knows which of the many small functions to take into those that call them.
        return [f"-fprofile-use={directory}", "-fprofile-partial-training", "-Wno-missing-profile", "-flto"]
    return []


def core():
    """The extension module: the C library and its binding in one object."""
    profile = profile_options()
    werror = ["-Werror"] if os.environ.get("APPROVAL_WERROR") == "1" else []
    return Extension(
        ROOT + "._core",
        sources=sorted(str(path.relative_to(HERE)) for path in HERE.glob("cext/*.c")),
        depends=sorted(str(path.relative_to(HERE)) for path in HERE.glob("cext/*.h")),
        include_dirs=["cext"],
        define_macros=[("Py_LIMITED_API", "0x030A0000"), ("_POSIX_C_SOURCE", "200809L")],
        extra_compile_args=[
            *("-std=c11", "-O3", "-fvisibility=hidden"),
            *(*WARNINGS, *werror, *profile, *pkg_config("--cflags")),
        ],
        extra_link_args=[*profile, *pkg_config("--libs")],
        py_limited_api=True,
    )


setup(
    packages=[*PACKAGES, *(f"{ROOT}.{name}" for name in find_packages("approval"))],
    package_dir=PACKAGES,
    package_data=PACKAGE_DATA,
    include_package_data=False,
    data_files=DATA_FILES,
    ext_modules=[core()],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
