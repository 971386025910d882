"""The part of the story that plays in a browser: the portal is open while it is told, and an approver decides there."""

import contextlib
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess

import yaml
from lab import PROGRAMS, wait_until
from playwright.sync_api import sync_playwright

from saltext.approval.portal import passwords

CHROMIUM = "/usr/bin/chromium"
PICTURE = pathlib.Path(__file__).resolve().parent.parent / "build" / "demo-request.png"
POLICY = """\
principals:
  {person}: {{identities: ["pg:{person}", "web:{person}"]}}
speakers:
  portal: {{web: authenticated}}
"""


class Pages:
    """Steps of the story, the first of which opens the portal that the last one shows; `story` lends its ways."""

    def __init__(self, story, person):
        self._story = story
        self._person = person
        self._password = secrets.token_urlsafe(12)
        self._open = contextlib.ExitStack()
        self._page = None

    @property
    def first_steps(self):
        """(title, function) of each step before anybody decides."""
        return ((f"The portal opens: {self._person} has no login to the master, and approves in a browser", self.open),)

    @property
    def last_steps(self):
        """Likewise after all of it."""
        return (("The page of a request, as it looks in the end", self.show),)

    def open(self):
        """Start the web service, and sign in there."""
        story, lab = self._story, self._story.lab
        lab.database.add_login("portal", "approval_portal")
        story.load_policy(POLICY.format(person=self._person))
        address = self._open.enter_context(self._service())
        story.narrator.say(
            f"While this is told, you can look in yourself: {address}, as {self._person} with the password "
            f"{self._password}"
        )
        self._page = self._open.enter_context(_page(address))
        self._page.goto("/")
        self._page.get_by_label("Name").fill(self._person)
        self._page.get_by_label("Password").fill(self._password)
        self._page.get_by_role("button", name="Sign in").click()
        story.check(self._page.url.endswith("/inbox"), f"{self._person} signs in, and sees what waits for him")

    def approve(self, number):
        """Approve this request as the person would: from the inbox to its page, with a look at what would change."""
        story, page = self._story, self._page
        page.goto("/inbox")
        page.get_by_role("link", name=f"Request {number}").click()
        button = page.get_by_role("button", name=re.compile("^Approve "))
        story.narrator.say(f'{self._person} opens request {number} in his inbox, and presses "{button.inner_text()}".')
        button.click()
        told = page.get_by_role("status").inner_text()
        story.check(told.startswith("Your approval is recorded."), "the page says that his approval is recorded", told)

    def show(self):
        """Keep a picture of the page of the request that was approved there, and close the portal."""
        story, page = self._story, self._page
        page.goto(page.url.partition("?")[0])
        state = page.locator("h1 .badge").inner_text()
        story.check(state == "converged", "the page has it as converged", state)
        history = page.locator(".history li").all_inner_texts()
        told = [word for line in history for word in ("asked for", "approved", "sent to", "converged") if word in line]
        story.check(
            told == ["asked for", "approved", "sent to", "converged"], "and all that led to it, in order", history
        )
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE, full_page=True)
        self._open.close()
        story.narrator.say(f"A picture of it: {PICTURE}")

    @contextlib.contextmanager
    def _service(self):
        """`salt-approval web` on a free port; gives its address."""
        lab = self._story.lab
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        address = f"http://localhost:{port}"
        file = lab.directory / "portal-passwords"
        file.touch(mode=0o600)
        file.write_text(passwords.line(self._person, self._password) + "\n")
        settings = {
            "portal": {"dsn_file": str(lab.database.dsn_file("portal")), "passwords": str(file)},
            "web": {"bind": f"127.0.0.1:{port}", "public_url": address, "workers": 1},
        }
        config = lab.directory / "web.yaml"
        config.write_text(yaml.safe_dump({"approval": settings}))
        words = ["salt-approval", "web", "--config", str(config)]
        self._story.narrator.command("portal", [*words[:-1], config.name])
        with (lab.directory / "web.log").open("ab") as log:
            process = subprocess.Popen([PROGRAMS / words[0], *words[1:]], stdout=log, stderr=log)  # noqa: S603
        try:
            wait_until(lambda: _listens(port), "web service")
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


@contextlib.contextmanager
def _page(address):
    """A page of Debian's browser."""
    with sync_playwright() as running:
        # The sandbox of Chromium is not for root, whom the minions of the story need.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = running.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser.new_page(base_url=address)
        browser.close()


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
