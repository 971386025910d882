"""The worker as a service of its own, on a host without a master and with no login but that of chats."""

import subprocess
import sys
import time

import yaml


def test_it_tells_hears_and_ends(room, tmp_path):
    room.route()
    room.close()
    room.channels["ops"]["app_token_file"] = room.secret("app.token", room.slack.app_token)
    path = tmp_path / "service.yaml"
    path.write_text(yaml.safe_dump({**room.opts(), "cachedir": str(tmp_path / "cache")}))
    command = [sys.executable, "-m", "saltext.approval", "serve", "--config", str(path)]
    service = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        room.slack.socket.wait_for_connections(1, timeout_s=60)
        room.job(command="salt web1 cmd.run uptime")
        room.look()
        until = time.monotonic() + 60
        while not room.ops.messages and time.monotonic() < until:
            time.sleep(0.2)
        assert "salt web1 cmd.run uptime" in room.ops.messages[0].shown
    finally:
        service.terminate()
        began = time.monotonic()
        said = service.communicate(timeout=60)[1]
    assert service.returncode == 0, said
    assert time.monotonic() - began < 10
    assert room.slack.bot_token not in said
    assert room.slack.app_token not in said
