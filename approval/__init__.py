"""Approval workflow for Salt.

A minion gets the state that was approved for it as pillar; its returns are validated and recorded.
"""

import importlib

__version__ = "0.3.0"


def salt_loader():
    """
    Tell Salt's loader where this extension keeps its modules: ``{loader type: [folder, ...]}``.

    Each subpackage is asked for its own path, because in an editable install the folders do not
    lie below this one. A plain function is the only form that works there and in wheels alike.
    """
    folders = {
        loader: list(importlib.import_module(f"{__name__}.{loader}").__path__)
        for loader in ("pillar", "returners", "runners", "engines")
    }
    states = importlib.import_module(f"{__name__}.states").__path__
    # The states package is a file root for minions; a masterless minion that has the extension
    # installed finds the modules themselves one folder down.
    folders["states"] = [f"{folder}/_states" for folder in states]
    folders["modules"] = [f"{folder}/_modules" for folder in states]
    return folders
