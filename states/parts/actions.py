"""Actions: one approved execution function, and the evidence of its outcome."""

import hashlib
import json

from .commands import _reason
from .document import _canonical

# Evidence carries a return of so many bytes whole, and so many characters of a longer one.
RETURN_SIZE = 2048
RETURN_LENGTH = 512


def _perform(function, arguments):
    """
    Run one execution function.

    Returns its retcode, whether it succeeded as Salt judges a job of its own, and its return; of one
    that raised, the reason. A bare False is no success either.
    """
    if function not in __salt__:
        return 1, False, f"Salt has no {function} on this minion"
    earlier = __context__.get("retcode", 0)
    __context__["retcode"] = 0
    try:
        returned = __salt__[function](**arguments)
        retcode = __context__.get("retcode", 0)
    except Exception as exc:
        return 1, False, _reason(exc)
    finally:
        __context__["retcode"] = earlier
    if isinstance(retcode, bool) or not isinstance(retcode, int):
        retcode = int(bool(retcode))
    if isinstance(returned, dict):
        success = all(returned.get(key, True) for key in ("result", "success"))
    else:
        success = returned is not False
    return retcode, success and retcode == 0, returned


def _outcome(function, retcode, success, returned):
    """
    The account that evidence gives of an action, as canonical JSON: ``fun``, ``retcode``, ``success``, ``return``.

    A long return is cut to the beginning of its canonical JSON, as text; ``digest`` beside it covers the
    whole. A return that JSON cannot express is given as Python writes it.
    """
    try:
        text = json.dumps(returned, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        text = _canonical(str(returned))
    data = text.encode("utf-8", "replace")  # a lone surrogate is no UTF-8
    outcome = {"fun": function, "retcode": retcode, "success": success}
    if len(data) <= RETURN_SIZE:
        outcome["return"] = json.loads(data)
    else:
        outcome["return"] = data.decode()[:RETURN_LENGTH]
        outcome["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
    return _canonical(outcome)
