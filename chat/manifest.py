"""The manifest of the app, which Slack takes where apps are made: what it may do, and by which way clicks come."""

import json

SCOPES = ("chat:write", "commands", "users:read")
TEXT = """\
display_information:
  name: Salt approvals
  description: Who changes what
features:
  app_home:
    messages_tab_enabled: true
    messages_tab_read_only_enabled: true
  bot_user:
    display_name: salt
    always_online: true
  slash_commands:
    - command: /salt-approval
{command_url}      description: What waits for you, and what is under way
      usage_hint: inbox, busy web1, show 7
      should_escape: true
oauth_config:
  scopes:
    bot:
      - chat:write
      - commands
      - users:read
settings:
  interactivity:
    is_enabled: true
{request_url}  socket_mode_enabled: {has_socket}
  org_deploy_enabled: false
  token_rotation_enabled: false
"""


def manifest(url=None):
    """
    The manifest as YAML.

    url
        Where the web service takes what Slack sends of the channel, as ``https://…/chat/ops``; None: clicks and
        commands come over Socket Mode.
    """
    return TEXT.format(
        command_url=f"      url: {json.dumps(url + '/commands')}\n" if url else "",
        request_url=f"    request_url: {json.dumps(url + '/interactivity')}\n" if url else "",
        has_socket="false" if url else "true",
    )
