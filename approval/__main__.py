"""``python -m saltext.approval``: the command salt-approval, wherever pip has put that program."""

import sys

from .cli import main

sys.exit(main())
