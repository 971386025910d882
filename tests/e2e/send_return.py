"""Send a job return to the master with the keys of the minion that this runs on. Its load comes as JSON on stdin.

Runs inside the root of a minion, with that minion's Salt; prints the master's answer.
"""

import json
import sys

import salt.channel.client
import salt.config

options = salt.config.minion_config("/etc/salt/minion")
options["master_uri"] = f"tcp://{options['master']}:{options['master_port']}"
load = {"cmd": "_return", "id": options["id"], **json.load(sys.stdin)}
with salt.channel.client.ReqChannel.factory(options) as channel:
    print(channel.send(load))
