"""Mails about what needs attention, on a local server: one at the beginning, one at the end, none twice."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plumbing.clock import MINUTE
from plumbing.settings import Config, WrongSetting
from plumbing.storage.state import State
from plumbing.words import LANGUAGES, Message
from recommender.desk.attention import Item
from recommender.desk.attention_mails import AttentionMails, MailServer
from recommender.store import open_database
from recommender.store.attention_mails import AttentionMailStore
from tests.recommender.service_fixtures import NOON, World

BUDGET = Item("budget x", Message.of("attention-budget", offer="Lunch for two", share=0.93), "/desk/offers")


class _Smtp(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    text += part
                self.server.mails.append(text.decode())  # type: ignore[attr-defined]  # set by `mails`
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@dataclass
class Mails:
    port: int
    got: list[str] = field(default_factory=list)


@pytest.fixture
def mails() -> Iterator[Mails]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        found = Mails(server.server_address[1])
        server.mails = found.got  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        server.shutdown()


def server_of(port: int) -> MailServer:
    config = Config(
        mail_server=f"127.0.0.1:{port}", mail_from="usual@example.com", mail_to="ana@example.com, bo@example.com",
        mail_security="none",
    )  # fmt: skip
    made = MailServer.of(config)
    assert made is not None
    return made


@dataclass
class Desk:
    alerts: AttentionMails
    store: AttentionMailStore
    now_us: int = NOON


@pytest.fixture
def desk(state: State, mails: Mails) -> Iterator[Desk]:
    database = open_database(state)
    store = AttentionMailStore(database)
    made = Desk(None, store)  # type: ignore[arg-type]  # next line
    made.alerts = AttentionMails(store, lambda: made.now_us, server_of(mails.port).send, lambda tenant: "en")
    yield made
    database.close()


def test_one_mail_when_it_begins_and_one_when_it_ends(desk: Desk, mails: Mails) -> None:
    """However often anybody looks; and again when it begins again."""
    for _ in range(3):
        desk.alerts.look("grill", [BUDGET])
        desk.now_us += MINUTE
    assert len(mails.got) == 1
    assert "93% of the budget" in mails.got[0]
    assert "To: ana@example.com, bo@example.com" in mails.got[0]
    for _ in range(3):
        desk.alerts.look("grill", [])
        desk.now_us += MINUTE
    assert len(mails.got) == 2
    assert "This is over" in mails.got[1]
    desk.alerts.look("grill", [BUDGET])
    assert len(mails.got) == 3


def test_two_processes_send_one_mail(desk: Desk, mails: Mails) -> None:
    other = AttentionMails(desk.store, lambda: desk.now_us, server_of(mails.port).send, lambda tenant: "en")
    threads = [threading.Thread(target=one.look, args=("grill", [BUDGET])) for one in (desk.alerts, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mails.got) == 1


def test_a_mail_server_that_is_away_is_asked_again_later(desk: Desk, mails: Mails) -> None:
    """Not at each look; and what was over before it could be mailed is not mailed any more."""
    tries = []

    def away(subject: str, text: str) -> None:
        tries.append(subject)
        raise ConnectionRefusedError

    lost = AttentionMails(desk.store, lambda: desk.now_us, away, lambda tenant: "en")
    for _ in range(5):
        assert lost.look("grill", [BUDGET]) == 0
        desk.now_us += MINUTE
    assert len(tries) == 1
    desk.now_us += 10 * MINUTE
    desk.alerts.look("grill", [BUDGET])
    assert len(mails.got) == 1
    short = Item("site x silent", Message.of("attention-site-silent", site="x", days=2), "/desk/data")
    lost.look("grill", [BUDGET, short])
    desk.alerts.look("grill", [BUDGET])
    assert len(mails.got) == 1


def test_a_process_that_was_killed_while_it_sent_sends_no_second_mail(desk: Desk, mails: Mails) -> None:
    def killed(subject: str, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AttentionMails(desk.store, lambda: desk.now_us, killed, lambda tenant: "en").look("grill", [BUDGET])
    desk.now_us += 60 * MINUTE
    desk.alerts.look("grill", [BUDGET])
    assert mails.got == []


def test_what_is_only_good_to_know_is_not_mailed(desk: Desk, mails: Mails) -> None:
    desk.alerts.look("grill", [Item("x", BUDGET.message, "/desk/offers", "know")])
    assert mails.got == []


def test_a_name_with_a_line_break_makes_no_header(desk: Desk, mails: Mails) -> None:
    evil = Item("b", Message.of("attention-budget", offer="x\r\nBcc: all@example.com", share=0.95), "/desk/offers")
    desk.alerts.look("grill", [evil])
    head, _, _ = mails.got[0].replace("\r\n", "\n").partition("\n\n")
    assert "\nBcc:" not in head


def test_settings_that_cannot_be() -> None:
    assert MailServer.of(Config()) is None
    for wrong in (Config(mail_server="mail"), Config(mail_server="mail:x", mail_from="a", mail_to="b")):
        with pytest.raises(WrongSetting):
            MailServer.of(wrong)
    standard = MailServer.of(Config(mail_server="mail.example.com", mail_from="a@b.c", mail_to="d@e.f"))
    assert standard is not None
    assert (standard.port, standard.security) == (587, "starttls")


def test_a_round_mails_what_the_overview_shows(world: World, mails: Mails) -> None:
    """By a process of the server that holds the lock; another one leaves it alone."""
    run = world.half.trainer.models.begin("grill", "orders", world.time_us)
    world.half.trainer.models.end("grill", run, "failed", "no memory", world.time_us)
    object.__setattr__(world.half, "mail", server_of(mails.port))
    first, second = world.half.rounds(), world.half.rounds()
    assert first.go()
    assert not second.go()
    assert [("training of orders failed" in mail) for mail in mails.got] == [True]
    first.stop()
    assert second.go()
    second.stop()
    assert len(mails.got) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_both_mails(language: str, desk: Desk, mails: Mails) -> None:
    alerts = AttentionMails(desk.store, lambda: desk.now_us, server_of(mails.port).send, lambda tenant: language)
    alerts.look("grill", [BUDGET])
    alerts.look("grill", [])
    assert len(mails.got) == 2


def test_the_password_is_in_a_file(tmp_path: Path) -> None:
    """No setting holds it, so no list of settings shows it."""
    file = tmp_path / "password"
    made = MailServer.of(
        Config(mail_server="m", mail_from="a@b.c", mail_to="d@e.f", mail_user="u", mail_password_file=file)
    )
    assert made is not None
    assert "password" not in repr(made)
