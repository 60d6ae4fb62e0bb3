"""What people mistype: home, port, key, pack, zone, file. Each is one sentence and a status, without a traceback.

Each runs `usual` as its script does (`app.main`), in this process.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from plumbing.init_cli import begin
from plumbing.serving import listener, process

HERE = "{home}"  # in the words of a command: a state folder; {folder} is an empty folder, {port} one that is taken
FILES = {
    "usual.toml": "",
    "garbage": "\x00\x01 no file of ours \ufffd",
    "passphrase": "correct horse battery staple",
    "items.csv": "item_id,name,price\nsoup,Soup,three\n",
    "occupied/letter.txt": "not ours",
    "menu.csv": "item_id,name,price,ALLERGENE\nsoup,Soup,640,celery\ncake,Cake,300,milk\n",
    "decimal.csv": "item_id,name,price\n" + "".join(f"i{n},Dish,{n}.80\n" for n in range(2, 8)),
    "two-ids.csv": "SKU,PLU,name,price\n1,2,Soup,640\n",
    "rules.json": '{"rules": [{"kind": "allergens", "id": "a", "allergens": ["milk"]}]}',
    "named.json": '{"rules": [{"kind": "hide", "id": "a", "itme": "soup"}]}',
    "settings.json": '{"rulez": []}',
}

MISTAKES: dict[str, tuple[str, str, str]] = {
    # what was mistyped: the words, settings (variables, or a usual.toml), what the sentence says
    "home, keys": ("keys list --home nowhere", "", "nowhere is no state folder"),
    "home, export": ("export items o.csv --home nowhere", "", "nowhere is no state folder"),
    "home, backup": ("backup b --passphrase-file passphrase --home nowhere", "", "nowhere is no state folder"),
    "home, serve": ("serve --home nowhere", "", "nowhere is no state folder"),
    "home, train": ("train orders --home nowhere", "", "nowhere is no state folder"),
    "home, people": ("people list --home nowhere", "", "nowhere is no state folder"),
    "home, receipts": ("receipts verify garbage --home nowhere", "", "nowhere is no state folder"),
    "home by variable": ("versions orders", "USUAL_HOME=nowhere", "nowhere is no state folder"),
    "home is a file": ("init --home garbage", "", "is a file"),
    "home below a file": ("init --home garbage/house", "", "garbage/house cannot be"),
    "home of others": ("init --home occupied", "", "occupied is not empty"),
    "serve --init below a file": ("serve --init --home garbage/house", "", "garbage/house cannot be"),
    "port taken": ("serve --home {home} --port {port}", "", "Another program listens on 127.0.0.1 port"),
    "port too high": ("serve --home {home} --port 99999", "", "99999"),
    "host": ("serve --home {home} --host no-such-host.invalid", "", "is no address of this machine"),
    "pack by option": ("serve --home {home} --pack dlip --port 1", "", "There is no engine pack 'dlip'"),
    "pack by variable": ("doctor --home {home}", "USUAL_PACK=dlip", "There is no engine pack 'dlip'"),
    "pack, models": ("models check dlip", "", "There is no engine pack 'dlip'"),
    "number": ("serve --home {home}", "USUAL_ENGINES=many", "USUAL_ENGINES: Input should be a valid integer"),
    "needs": ("serve --home {home}", "USUAL_NEEDS=offers=magic", "USUAL_NEEDS"),
    "proxies": ("serve --home {home}", "USUAL_TRUSTED_PROXIES=proxy", "USUAL_TRUSTED_PROXIES"),
    "variable": ("keys list --home {home}", "USUAL_RETENTION_MONTH=6", "USUAL_RETENTION_MONTHS was meant?"),
    "key of the file": ("keys list --home {home}", "retention_month = 6", "retention_months was meant?"),
    "value of the file": ("keys list --home {home}", "retention_months = 99", "usual.toml, retention_months"),
    "no TOML": ("keys list --home {home}", "retention_months: 6", "usual.toml is no TOML"),
    "settings file": ("keys list --home {home}", "USUAL_CONFIG=nowhere.toml", "nowhere.toml cannot be read"),
    "address of a database": ("keys list --home {home}", "USUAL_DATABASE=mysql://x", "postgresql://"),
    "file to import": ("import items missing.csv --home {home}", "", "missing.csv"),
    "rows to import": ("import items items.csv --home {home}", "", "price"),
    "backup to restore": ("restore garbage --passphrase-file passphrase --home {home}", "", "like a backup"),
    "folder to export to": ("export items missing/o.csv --home {home}", "", "missing"),
    "key to revoke": ("keys revoke nobody --home {home}", "", "nobody"),
    "receipt": ("receipts verify garbage --home {home}", "", "receipt"),
    "schedule": ("schedule set orders sometimes --home {home}", "", "sometimes"),
    "zone": ('schedule set orders 03:30 --timezone Europe/Bärlin --home {home}', "", "Bärlin"),
    "version": ("rollback orders 999 --home {home}", "", "999"),
    "zone of a site": ("sites set m --zone Europe/Berln --home {home}", "", "Berln'; Europe/Berlin was meant?"),
    "column": ("import items menu.csv --home {home}", "", "rows 2-3: there is no column 'allergene'; allergens"),
    "decimals": ("import items decimal.csv --home {home}", "", "rows 2-7: price: '2.80' cannot be read"),
    "two ids": ("import items two-ids.csv --home {home}", "", "SKU and PLU may be the id. Rename one"),
    "field of a rule": ("rules check rules.json --home {home}", "", "rule 1 (allergens): there is no field"),
    "field missing": ("rules check named.json --home {home}", "", "rule 1 (hide): the field 'item' is missing"),
    "field near": ("rules check named.json --home {home}", "", "there is no field 'itme'; item was meant?"),
    "field of rules": ("rules check settings.json --home {home}", "", "no field 'rulez'; rules was meant?"),
    "port is a word": ("serve --home {home} --port abc", "", "'abc' is no whole number from 1 to 65535"),
    "command": ("srve", "", "srve"),
    "scope": ("keys create --scope everything --home {home}", "", "everything"),
}  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder to copy."""
    folder = tmp_path_factory.mktemp("begun") / "home"
    begin(folder)
    return folder


@pytest.fixture
def place(tmp_path: Path, begun: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """A working folder with a state folder in it, an empty environment, a port that is taken."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("USUAL_")}
    monkeypatch.setattr(os, "environ", bare)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(process, "PATIENCE_S", 0.0)
    monkeypatch.setattr(listener, "PATIENCE_S", 0.0)
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
    shutil.copytree(begun, tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield {"home": tmp_path / "home", "port": taken.getsockname()[1]}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_a_status(
    mistake: str,
    place: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words, given, said = MISTAKES[mistake]
    name, _, value = given.partition("=")
    if name.startswith("USUAL_"):
        os.environ[name] = value
    elif given:
        Path("usual.toml").write_text(given)
    before = sorted(path.name for path in Path().iterdir())
    monkeypatch.setattr(sys, "argv", ["usual", *words.format(**place).split()])

    with pytest.raises(SystemExit) as ended:
        app.main()

    told = "".join(capsys.readouterr()) + (ended.value.code if isinstance(ended.value.code, str) else "")
    assert ended.value.code not in (0, None)
    assert said in told
    assert "Traceback" not in told
    assert not re.search(r"(?<!\.)[.?!]\.(\s|$)", told), "two full stops"
    assert len(sentences(told)) == 1, told
    made = {path.name for path in Path().iterdir()} - set(before)
    assert {name for name in made if not name.endswith(".wrong.csv")} == set(), "nothing was made"


def sentences(told: str) -> list[str]:
    """The lines that say what is wrong: not the usage that click shows above, nor findings that are well."""
    beside = ("Usage:", "Try ", "ok ", "REMARK", "        ", "The engine pack")
    return [line for line in told.splitlines() if line.strip() and not line.startswith(beside)]


def test_there_are_thirty_and_more() -> None:
    assert len(MISTAKES) >= 30
