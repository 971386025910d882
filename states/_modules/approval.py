"""
Read what the approved resources of a minion are, and which packages it could get
=================================================================================

:func:`observe` is how the master checks minions, :func:`catalog` how its inventory knows what can be asked for on
them. They are functions and no states, because Salt refuses a state run while any other one is under way: they keep
no highstate waiting, nor are they kept waiting by one.

This file runs on minions: it needs the standard library, Salt (3006 or later) and the state module beside it.
"""

import base64
import contextlib
import hashlib
import hmac
import re
import struct
import zlib

import salt.loader
import salt.pillar
import salt.utils.path
from salt.exceptions import CommandExecutionError

__virtualname__ = "approval"

CATALOG_FORMAT = 1
DNF_OFFER = "approval|%{name}|%{evr}|%{arch}\\n"
REASON_LENGTH = 500  # characters


def __virtual__():
    """Load everywhere, as the state module does."""
    return __virtualname__


def observe(pillar_key="approval"):
    """
    Read what the approved resources of this minion are now, and return that as evidence.

    .. code-block:: bash

        salt web1 approval.observe

    pillar_key
        The key that the approved state has in the pillar, as the ``key`` of the ext_pillar.

    The pillar is compiled anew, as for a state run. Nothing is changed. Returns what the state
    ``approval.observed`` has as its evidence; raises CommandExecutionError where that has none.
    """
    opts = {**__opts__, "pillar": _pillar()}
    states = salt.loader.states(opts, __salt__, None, None)
    if "approval.observed" not in states:
        raise CommandExecutionError("'approval.observed' is not available.")
    ret = states["approval.observed"]("approval", pillar_key=pillar_key)
    if "approval" not in ret:
        raise CommandExecutionError(ret["comment"])
    return ret["approval"]


def catalog(nonce, known=None, collect=(), pillar_key="approval"):
    """
    Tell which packages this minion could get, with their versions.

    .. code-block:: bash

        salt web1 approval.catalog test

    nonce
        A text of the caller's, which the answer is bound to.
    known
        Digests of contents by the digest of the sources that they come from: a list for each. Where the sources of
        this minion are among them, it tells no packages.
    collect
        The ids of minions that look for their packages all the same, and tell them unless the content is known.
    pillar_key
        As for :func:`observe`.

    Nothing is changed but the package manager's own lists of what the repositories have, which are fetched anew.
    Returns a mapping: ``system`` and ``release``; ``sources``, the digest of the repositories and the release;
    ``complete``, whether all versions are told; ``content``, the digest of all packages, and ``packages``, their
    lines ``NAME VERSION`` by zlib and base64, where they are told; ``error``, why they cannot be. With the key that the
    approved state of this minion has, a ``mac`` binds that to the ``nonce``.
    """
    system = str(__grains__.get("os_family"))
    release = " ".join(str(__grains__.get(name, "")) for name in ("os", "osmajorrelease", "osarch"))
    told = {"format": CATALOG_FORMAT, "system": system, "release": release, "complete": system != "Windows"}
    lines = []
    try:
        sources, offers = CATALOGS.get(system, (None, None))
        if sources is None:
            raise CommandExecutionError(f"it is not known how packages of {system} are listed")
        lines = sorted({" ".join(str(source).split()) for source in sources()})
        told["sources"] = _digest([system, release, *lines])
        contents = dict(known or {}).get(told["sources"])
        if contents is None or __opts__["id"] in collect:
            lines = sorted({f"{name} {version}" for name, version in offers()})
            told["content"] = _digest(lines)
            if told["content"] not in (contents or ()):
                packed = zlib.compress("\n".join(lines).encode("utf-8", "surrogateescape"), 6)
                told["packages"] = base64.b64encode(packed).decode()
    except (CommandExecutionError, KeyError) as exc:
        told.update(sources=_digest([system, release, *lines]), content=None, error=str(exc)[:REASON_LENGTH])
    return {**told, **_proof(nonce, told, pillar_key)}


def _pillar():
    """The pillar of this minion, compiled now: what the process that got a job holds may be hours old."""
    pillar = salt.pillar.get_pillar(
        __opts__, dict(__grains__), __opts__["id"], __opts__.get("saltenv"), pillarenv=__opts__.get("pillarenv")
    )
    return pillar.compile_pillar()


def _proof(nonce, told, pillar_key):
    """The revision of this minion's approved state, and the mac over what is told; {} where it has none."""
    approved = _pillar().get(pillar_key)
    if not isinstance(approved, dict) or not isinstance(approved.get("evidence_key"), str):
        return {}
    revision = approved.get("revision")
    parts = ["apv1-catalog", __opts__["id"], str(revision), str(nonce), told["system"], told["release"]]
    parts += ["true" if told["complete"] else "false", told["sources"], told.get("content")]
    key = bytes.fromhex(approved["evidence_key"])
    return {"revision": revision, "mac": hmac.new(key, b"".join(map(_field, parts)), hashlib.sha256).hexdigest()}


def _field(text):
    """``text`` as a field of a digest: its UTF-8 bytes behind their length; None has no bytes."""
    if text is None:
        return b"\xff\xff\xff\xff"
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def _digest(lines):
    """The sha256 over lines of text, as hex text."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _output(command):
    """The lines that a command prints. Raises CommandExecutionError if it fails."""
    out = __salt__["cmd.run_all"](command, python_shell=False, ignore_retcode=True, output_loglevel="quiet")
    if out["retcode"] != 0:
        raise CommandExecutionError(out["stderr"] or f"{command[0]} fails")
    return out["stdout"].splitlines()


def _refresh():
    """Have the package manager fetch what the repositories have now; where it cannot, its older lists are told."""
    with contextlib.suppress(CommandExecutionError):
        __salt__["pkg.refresh_db"]()


def _apt_sources():
    return _output(["apt-get", "indextargets", "--format", "$(URI)", "Created-By: Packages"])


def _apt_offers():
    # pkg.list_repo_pkgs has what is installed and in no repository among them, which is another on each minion.
    _refresh()
    name = version = None
    for line in _output(["apt-cache", "dump"]):
        if line.startswith("Package: "):
            name, version = line[9:], None
        elif line.startswith(" Version: "):
            version = line[10:]
        elif line.startswith("     File: ") and version and not line.endswith("/dpkg/status"):
            yield name, version
            version = None


def _rpm_sources():
    for name, repository in __salt__["pkg.list_repos"]().items():
        if str(repository.get("enabled", "1")).lower() in ("1", "true", "yes", "on"):
            places = (repository.get(key, "") for key in ("baseurl", "mirrorlist", "metalink"))
            yield " ".join([name, *map(str, places)])


def _dnf_offers():
    program = next(filter(salt.utils.path.which, ("dnf5", "dnf")), None)
    if program is None:
        yield from _listed_offers()
        return
    # As the state module asks. pkg.list_repo_pkgs leaves out what is installed.
    _refresh()
    for line in _output([program, "--quiet", "repoquery", "--available", "--queryformat", DNF_OFFER]):
        if line.startswith("approval|"):
            _, name, version, arch = line.removesuffix("\\n").split("|")
            if arch != "src":
                yield name, re.sub("^0:", "", version)


def _listed_offers():
    _refresh()
    for repository, packages in __salt__["pkg.list_repo_pkgs"](byrepo=True).items():
        # Of no repository is what is only installed: yum says so by "@" or "installed", zypper by these words.
        if not repository.startswith("@") and repository not in ("installed", "(System Packages)"):
            for name, versions in packages.items():
                yield from ((name, re.sub("^0:", "", str(version))) for version in versions)


def _windows_sources():
    if "chocolatey.list_sources" in __salt__:
        for name, source in __salt__["chocolatey.list_sources"]().items():
            # Salt has a colon and a space in this name.
            yield f"chocolatey {name} {source.get('URL: ')} {source.get('Disabled')}"
    if "pkg.get_repo_data" in __salt__:
        yield "winrepo"


def _windows_offers():
    if "chocolatey.list" in __salt__:
        for name, versions in __salt__["chocolatey.list"]().items():
            yield from ((name, version) for version in versions)
    if "pkg.get_repo_data" in __salt__:
        _refresh()
        for name, versions in __salt__["pkg.get_repo_data"]()["repo"].items():
            yield from ((name, version) for version in versions)


# Family of systems -> how its repositories, and the packages in them, are listed.
CATALOGS = {
    "Debian": (_apt_sources, _apt_offers),
    "RedHat": (_rpm_sources, _dnf_offers),
    "Suse": (_rpm_sources, _listed_offers),
    "Windows": (_windows_sources, _windows_offers),
}
