"""The settings of a site that a stand-in is: ``acme``."""

TYPES = {
    "Linux Package Management Request": {
        "request_type": "package",
        "minions": "customfield_10102",
        "packages": [{"cascade": "customfield_10104"}, {"lines": "customfield_10107"}],
        "after": "customfield_10106",
    },
    "Reboot Request": {"request_type": "reboot", "action": "system.reboot", "minions": "customfield_10101"},
}
WORKFLOW = {
    "asked": ["Waiting for Approval", {"from": "Failed", "to": "Sending to Integration"}],
    "approved": {"from": "Waiting for Approval", "to": "Sending to Integration"},
    "declined": "Declined",
    "revert-asked": "Revert Waiting for Approval",
    "revert": {"from": "Revert Waiting for Approval", "to": "Sending Revert to Integration"},
    "waiting": ["Waiting for Integration", "Waiting for Integration to Revert"],
    "done": ["Completed", "Reverted"],
    "failed": ["Failed", "Failed to Revert"],
    "moves": {"waiting": "Wait", "done": "Complete", "failed": "Fail"},
}
CLOSED = {"state": "3", "close_notes": "See the work notes."}
# Normal changes, which are closed by way of their review.
CHANGE_WORKFLOW = {
    "asked": {"state": ["-4", "-3"], "approval": "requested"},
    "approved": {"approval": "approved", "state": "-2"},
    "waiting": {"state": ["-1", "0"]},
    "declined": [{"approval": "rejected"}, {"state": "4"}],
    "done": {"state": "3", "close_code": "successful"},
    "failed": {"state": "3", "close_code": "unsuccessful"},
    "moves": {
        "waiting": {"state": "-1"},
        "done": [{"state": "0"}, {**CLOSED, "close_code": "successful"}],
        "failed": [{"state": "0"}, {**CLOSED, "close_code": "unsuccessful"}],
        "declined": {"state": "4"},
    },
}
WEBHOOK_SECRET = "a secret of webhooks"  # noqa: S105


def secret_file(folder, name, secret):
    """Writes a secret to a file that nobody else may read; gives its path."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")
    return str(path)


def jira_settings(jira, folder, **changes):
    """The settings of the site that a stand-in of Jira is; its secrets are in files of a folder."""
    auth = {"token_file": secret_file(folder, "jira.token", jira.bot.token)}
    if jira.is_cloud:
        auth["email"] = jira.bot.email
    return {
        "kind": "jira",
        "url": jira.url,
        "api": jira.api,
        "auth": auth,
        "webhook_secrets": [{"file": secret_file(folder, "jira.webhook", WEBHOOK_SECRET)}],
        "projects": {jira.project: {"types": TYPES}},
        "workflow": WORKFLOW,
        **changes,
    }


def servicenow_settings(instance, folder, **changes):
    """The settings of the site that a stand-in of ServiceNow is; its secrets are in files of a folder."""
    password = secret_file(folder, "servicenow.password", instance.bot.password)
    return {
        "kind": "servicenow",
        "url": instance.url,
        "auth": {"user": instance.bot.user_name, "password_file": password},
        "webhook_secrets": [{"file": secret_file(folder, "servicenow.webhook", WEBHOOK_SECRET)}],
        "tables": {
            "change_request": {
                "request_type": "package",
                "minions": "u_minions",
                "packages": "u_packages",
                "after": "start_date",
            }
        },
        "workflow": CHANGE_WORKFLOW,
        **changes,
    }
