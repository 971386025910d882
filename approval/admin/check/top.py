"""Does a highstate apply what was approved? A part of the check.

Read as text, since a template cannot be rendered without a minion: what a template may apply counts as applied.
"""

import os
import re

USED = re.compile(r"\bapproval\.converged\b")
LISTED = re.compile(r"""(?:^\s*-\s*|[\[,]\s*)["']?approval["']?\s*(?:$|[,\]])""", re.MULTILINE)
WORD = re.compile(r"[\w][\w./-]*")
MAX_FILES = 2000
REMEDY = "Have it apply the state approval, in top.sls:\nbase:\n  '*':\n    - approval"


def run(opts, state_root, findings):
    """
    Add to ``findings`` where no top file of the master with the configuration ``opts`` applies our state.
    ``state_root`` is the folder of ours, which has no top file.
    """
    if set(opts.get("fileserver_backend") or ["roots"]) - {"roots"} or opts.get("master_tops") or opts.get("ext_nodes"):
        return  # states come from elsewhere, too
    ours = os.path.realpath(state_root)
    roots = [str(folder) for folders in (opts.get("file_roots") or {}).values() for folder in folders or ()]
    folders = [folder for folder in roots if os.path.realpath(folder) != ours]
    name = opts.get("state_top") or "top.sls"
    tops = [path for folder in folders if os.path.isfile(path := os.path.join(folder, name))]
    if not tops:
        findings.warning("top file", f"there is no {name} in file_roots: a highstate applies nothing", REMEDY)
    elif not _applies(folders, tops):
        findings.warning(
            "top file", f"{' and '.join(tops)} does not apply the state approval: a highstate brings nothing", REMEDY
        )
    findings.look("top file")


def _applies(folders, tops):
    """Whether one of the files, or a state that they name, directly or by others, is or uses ours."""
    seen, left = set(), list(tops)
    while left and len(seen) < MAX_FILES:
        path = left.pop()
        seen.add(path)
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = "\n".join(line.split(" #")[0] for line in file if not line.lstrip().startswith("#"))
        except OSError:
            return True  # nobody can say
        if USED.search(text) or LISTED.search(text):
            return True
        for word in set(WORD.findall(text)):
            for folder in folders:
                base = os.path.join(folder, *word.split("."))
                left += [
                    found
                    for found in (f"{base}.sls", os.path.join(base, "init.sls"))
                    if found not in seen and os.path.isfile(found)
                ]
    return False
