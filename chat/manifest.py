"""The manifest of the app, which Slack takes where apps are made: what it may do, and that it needs no open port."""

MANIFEST = """\
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
      description: What waits for you, and what is under way
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
  socket_mode_enabled: true
  org_deploy_enabled: false
  token_rotation_enabled: false
"""
SCOPES = ("chat:write", "commands", "users:read")
