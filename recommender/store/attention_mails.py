"""What needed attention, and how far its two mails are: at the beginning and at the end."""

from __future__ import annotations

from dataclasses import dataclass

from plumbing.storage.database import Database, Row
from plumbing.words import Message


@dataclass(frozen=True, slots=True)
class AttentionMail:
    """One thing that needs or needed attention."""

    name: str
    message: Message
    began_us: int
    ended_us: int | None
    mailed: str


class AttentionMailStore:
    """The mails of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, tenant: str) -> list[AttentionMail]:
        """Those that have not ended."""
        rows = self._database.rows(
            "SELECT * FROM attention_mails WHERE tenant = ? AND ended_us IS NULL ORDER BY name", (tenant,)
        )
        return [_mail(row) for row in rows]

    def begin(self, tenant: str, name: str, message: Message, now_us: int, *, mail: bool) -> None:
        """Note a new one; `mail`: its mails are due."""
        self._database.change(
            "INSERT INTO attention_mails VALUES (?, ?, ?, ?, NULL, ?, 0) ON CONFLICT DO NOTHING",
            (tenant, name, message.to_json(), now_us, "begin due" if mail else "never"),
        )

    def end(self, tenant: str, mail: AttentionMail, now_us: int) -> None:
        """It is over. One whose beginning was never mailed is not mailed at its end."""
        later = "end due" if mail.mailed == "begin sent" else "done"
        self._database.change(
            "UPDATE attention_mails SET ended_us = ?, mailed = ?, tried_us = 0"
            " WHERE tenant = ? AND name = ? AND began_us = ?",
            (now_us, later, tenant, mail.name, mail.began_us),
        )

    def due(self, tenant: str, not_since_us: int) -> list[tuple[AttentionMail, bool]]:
        """(mail, whether it says that it ended) of the mails that are due and were not tried lately."""
        rows = self._database.rows(
            "SELECT * FROM attention_mails"
            " WHERE tenant = ? AND mailed IN ('begin due', 'end due') AND tried_us <= ?"
            " ORDER BY began_us, name",
            (tenant, not_since_us),
        )
        return [(_mail(row), row["mailed"] == "end due") for row in rows]

    def claim(self, tenant: str, mail: AttentionMail, *, ended: bool, now_us: int) -> bool:
        """Take a mail before it is sent; False when another process has it. It counts as sent from now on."""
        was, then = ("end due", "done") if ended else ("begin due", "begin sent")
        rows = self._database.change(
            "UPDATE attention_mails SET mailed = ?, tried_us = ? WHERE tenant = ? AND name = ? AND began_us = ?"
            " AND mailed = ? RETURNING name",
            (then, now_us, tenant, mail.name, mail.began_us, was),
        )
        return bool(rows)

    def give_back(self, tenant: str, mail: AttentionMail, *, ended: bool) -> None:
        """It could not be sent: it is due again, after a while."""
        then, was = ("end due", "done") if ended else ("begin due", "begin sent")
        self._database.change(
            "UPDATE attention_mails SET mailed = ? WHERE tenant = ? AND name = ? AND began_us = ? AND mailed = ?",
            (then, tenant, mail.name, mail.began_us, was),
        )

    def tidy(self, tenant: str, before_us: int) -> None:
        """Delete those that ended before a moment."""
        found = self._database.row(
            "SELECT 1 FROM attention_mails WHERE tenant = ? AND ended_us < ? LIMIT 1", (tenant, before_us)
        )
        if found is not None:
            self._database.change(
                "DELETE FROM attention_mails WHERE tenant = ? AND ended_us < ?", (tenant, before_us)
            )


def _mail(row: Row) -> AttentionMail:
    return AttentionMail(
        name=row["name"],
        message=Message.from_json(row["message"]) or Message.of("attention-unknown"),
        began_us=row["began_us"],
        ended_us=row["ended_us"],
        mailed=row["mailed"],
    )
