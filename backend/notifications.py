"""Tells whoever asked for it that a run has ended: a web address is called, an e-mail is sent."""

import json
import smtplib
import urllib.request
from email.message import EmailMessage
from typing import Any

from backend.preferences import Preferences
from storage.records import Run

TIMEOUT = 10.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The address that the user gave is called, and no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def notify(run: Run, preferences: Preferences) -> list[str]:
    """Tell of a run's end in every way that is set; returns a sentence per way that failed."""
    problems = []
    ways = (
        ("The web address", preferences.webhook_url, _call),
        ("The e-mail", preferences.email_to, _mail),
    )
    for name, wanted, tell in ways:
        if not wanted:
            continue
        try:
            tell(run, preferences)
        except Exception as error:
            # Whatever a stranger's server answers: a run's end must not depend on it.
            problems.append(f"{name} could not be told ({type(error).__name__}).")
    return problems


def message_of(run: Run) -> str:
    """What has happened, in one line."""
    return f"{run.name}: {run.status}. {run.message or ''}".strip()


def _call(run: Run, preferences: Preferences) -> None:
    """POST JSON; "text" is what chat services show."""
    payload = {
        "text": message_of(run),
        "run": run.id,
        "name": run.name,
        "status": str(run.status),
        "reason": str(run.reason) if run.reason else None,
        "message": run.message,
        "metrics": run.metrics,
    }
    request = urllib.request.Request(
        preferences.webhook_url,
        json.dumps(payload).encode(),
        {"Content-Type": "application/json", "User-Agent": "Trainroom"},
    )
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler())
    with opener.open(request, timeout=TIMEOUT):
        pass


def _mail(run: Run, preferences: Preferences) -> None:
    """Over TLS wherever the server offers it; a password is never sent without."""
    mail = EmailMessage()
    mail["Subject"] = f"Trainroom: {run.name} is {run.status}"
    mail["From"] = preferences.smtp_user if "@" in preferences.smtp_user else preferences.email_to
    mail["To"] = preferences.email_to
    mail.set_content(message_of(run))
    kind = smtplib.SMTP_SSL if preferences.smtp_port == 465 else smtplib.SMTP
    with kind(preferences.smtp_host, preferences.smtp_port, timeout=TIMEOUT) as server:
        if kind is smtplib.SMTP:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
            elif preferences.smtp_password:
                raise ConnectionError("the server offers no encryption for the password")
        if preferences.smtp_password:
            server.login(preferences.smtp_user, preferences.smtp_password)
        server.send_message(mail)
