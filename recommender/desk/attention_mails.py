"""Mails about what needs attention: one when it begins, one when it ends, never the same one twice.

What is to be mailed stands in the table `attention_mails` first. A mail server that is away is asked again later;
a process that was killed while it sent leaves a row that is taken for sent: better no mail than two.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import structlog

from plumbing.clock import DAY, MINUTE, Clock
from plumbing.settings import Config, WrongSetting
from plumbing.words import Message
from recommender.desk.attention import Item
from recommender.desk.words import WORDS
from recommender.store.attention_mails import AttentionMail, AttentionMailStore

log = structlog.get_logger(__name__)
WAIT_S = 10
"""So long a mail server may take for one step."""

AGAIN_US = 10 * MINUTE
KEPT_US = 400 * DAY

Send = Callable[[str, str], None]
"""Sends one mail: subject and text. Raises OSError (smtplib's errors are some) when it could not."""


@dataclass(frozen=True)
class MailServer:
    """Where mails go to."""

    host: str
    port: int
    sender: str
    to: Sequence[str]
    security: str = "starttls"
    user: str = ""
    password_file: Path | None = field(default=None, repr=False)

    @classmethod
    def of(cls, config: Config) -> MailServer | None:
        """As the settings say; None: no mails. Raises WrongSetting."""
        if config.mail_server is None:
            return None
        if not config.mail_from or not config.mail_to:
            raise WrongSetting("USUAL_MAIL_SERVER needs USUAL_MAIL_FROM and USUAL_MAIL_TO as well.")
        host, _, port = (
            config.mail_server.rpartition(":") if ":" in config.mail_server else (config.mail_server, "", "")
        )
        standard = {"starttls": 587, "tls": 465, "none": 25}[config.mail_security]
        if port and not port.isdecimal():
            raise WrongSetting("USUAL_MAIL_SERVER reads mail.example.com:587.")
        return cls(
            host=host,
            port=int(port or standard),
            sender=config.mail_from,
            to=tuple(one.strip() for one in config.mail_to.split(",") if one.strip()),
            security=config.mail_security,
            user=config.mail_user or "",
            password_file=config.mail_password_file,
        )

    def send(self, subject: str, text: str) -> None:
        """Send one mail to all. Raises OSError."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, ", ".join(self.to), " ".join(subject.split())
        mail.set_content(text)
        context = ssl.create_default_context()
        opened: smtplib.SMTP
        if self.security == "tls":
            opened = smtplib.SMTP_SSL(self.host, self.port, timeout=WAIT_S, context=context)
        else:
            opened = smtplib.SMTP(self.host, self.port, timeout=WAIT_S)
        with opened as server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user and self.password_file is not None:
                server.login(self.user, self.password_file.read_text("utf-8").strip())
            server.send_message(mail)


class AttentionMails:
    """Compares what needs attention with what was mailed. One process of an installation does it."""

    def __init__(
        self, store: AttentionMailStore, now_us: Clock, send: Send | None, language_of: Callable[[str], str]
    ) -> None:
        """Without `send` what needs attention is noted and never mailed."""
        self._store = store
        self._now_us = now_us
        self._send = send
        self._language_of = language_of

    def look(self, tenant: str, items: Iterable[Item]) -> int:
        """Note what began and what ended, and mail what is due; returns how many mails were sent."""
        now_us, present = self._now_us(), {item.name: item for item in items if item.level == "act"}
        open_ones = {mail.name: mail for mail in self._store.open(tenant)}
        for name in present.keys() - open_ones.keys():
            self._store.begin(tenant, name, present[name].message, now_us, mail=self._send is not None)
        for name in open_ones.keys() - present.keys():
            self._store.end(tenant, open_ones[name], now_us)
        self._store.tidy(tenant, now_us - KEPT_US)
        return self._mail(tenant, now_us) if self._send is not None else 0

    def _mail(self, tenant: str, now_us: int) -> int:
        sent = 0
        for mail, ended in self._store.due(tenant, now_us - AGAIN_US):
            if not self._store.claim(tenant, mail, ended=ended, now_us=now_us):
                continue
            try:
                self._deliver(tenant, mail.message, ended=ended)
            except OSError as error:
                self._store.give_back(tenant, mail, ended=ended)
                log.warning("attention_not_mailed", error=type(error).__name__)
                break  # the others would wait for the same server
            sent += 1
        return sent

    def _deliver(self, tenant: str, message: Message, *, ended: bool) -> None:
        language, kind = self._language_of(tenant), "ended" if ended else "began"
        text = WORDS.say(language, message)
        body = WORDS.text(language, f"mail-{kind}", text=text, tenant=tenant)
        assert self._send is not None
        self._send(WORDS.text(language, f"mail-subject-{kind}", text=text), body)


__all__ = ["AttentionMail", "AttentionMails", "MailServer"]
