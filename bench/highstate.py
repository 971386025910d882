"""Returns of a highstate, as a minion sends them, for the measurements to work on."""

import copy
import datetime
import itertools

_numbers = itertools.count()


def packages(count):
    """{name: version} of so many approved packages."""
    return {
        f"package-{number:04}": f"1:2.{number % 40}.{number % 7}-{number % 3 + 1}+deb12u1" for number in range(count)
    }


def installed(approved):
    """
    The return of a highstate with one chunk of pkg.installed for each approved package.

    Of ten chunks seven changed a package, two found it installed, and one failed.
    """
    chunks = {}
    for number, (name, version) in enumerate(approved.items()):
        chunk = {
            "name": name,
            "changes": {},
            "result": True,
            "comment": "All specified packages are already installed and are at the desired version",
            "__sls__": "site.packages",
            "__run_num__": number,
            "start_time": "15:00:00.123456",
            "duration": 41.27,
            "__id__": f"install {name}",
        }
        if number % 10 < 7:
            chunk["changes"] = {name: {"new": version, "old": "1:2.0.0-0"}}
            chunk["comment"] = f"The following packages were installed/updated: {name}={version}"
        elif number % 10 == 9:
            chunk["result"] = False
            chunk["comment"] = f"The following packages failed to install/update: {name}={version}"
        chunks[f"pkg_|-install {name}_|-{name}_|-installed"] = chunk
    return _return("minion", chunks)


def converged(core, minion, document, approved, others):
    """
    A function that makes, for each call, a new return of a highstate with authentic evidence.

    core
        saltext.approval._core, for the mac.
    document
        (revision, digest, evidence key) of the minion's approved state, which is ``approved``.
    others
        How many chunks there are beside that of approval.converged.
    """
    revision, digest, key = document
    evidence = {
        "format": 1,
        "minion": minion,
        "revision": revision,
        "digest": digest,
        "boot_id": "0b7e5c1e-4f0c-4d0c-9a55-6f6f7d1f2a11",
        "observed": {"packages": dict(approved), "services": {}, "values": {}},
        "before": {"packages": dict.fromkeys(approved), "services": {}, "values": {}},
    }
    chunks = {}
    for number in range(others):
        path = f"/etc/site/conf.d/{number:02}-settings.conf"
        chunks[f"file_|-{path}_|-{path}_|-managed"] = {
            "name": path,
            "changes": {
                "diff": "--- \n+++ \n@@ -1,3 +1,3 @@\n # managed by Salt\n"
                f"-workers = {number}\n+workers = {number + 4}\n"
            },
            "result": True,
            "comment": f"File {path} updated",
            "__sls__": "site.settings",
            "__run_num__": number,
            "start_time": "15:00:01.123456",
            "duration": 12.5,
            "__id__": path,
        }
    tag = "approval_|-approved state_|-approved state_|-converged"
    chunks[tag] = {
        "name": "approved state",
        "changes": {},
        "result": True,
        "comment": "Everything is as approved",
        "__sls__": "approval",
        "__run_num__": others,
        "start_time": "15:00:02.123456",
        "duration": 310.4,
        "__id__": "approved state",
    }

    def make():
        load = _return(minion, copy.deepcopy(chunks))
        proof = {**evidence, "run_id": f"{next(_numbers):032x}"}
        load["return"][tag]["approval"] = {**proof, "mac": core.mac(key, proof)}
        return load

    return make


def _return(minion, chunks):
    moment = datetime.datetime.now(datetime.timezone.utc)
    return {
        "cmd": "_return",
        "id": minion,
        "jid": moment.strftime("%Y%m%d%H%M%S%f"),
        "fun": "state.highstate",
        "fun_args": [],
        "return": chunks,
        "retcode": 0 if all(chunk["result"] for chunk in chunks.values()) else 2,
        "success": True,
        "out": "highstate",
        "_stamp": moment.isoformat(),
    }
