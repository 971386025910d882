"""Jira, ServiceNow and Slack as approval talks to them: real HTTP servers that refuse, limit and lie as those do.

A stand-in takes nothing that the real one would not take, and each lie is told only where a test switches it on
(``jira.lies.silent_transition = 1``). All that was asked of one is in its log.
"""
