"""The halves as two processes, as README says: its commands are given one after the other, and then it works."""

from __future__ import annotations

import json
import re
import shlex
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

import app
from plumbing import handover
from plumbing.access.token_keys import TokenKeys
from plumbing.clock import system_clock
from plumbing.other_half import keys_agree
from plumbing.settings import Config

README = Path(__file__).resolve().parents[1] / "README.md"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def usual(*words: str, given: bytes = b"") -> Result:
    result = CliRunner().invoke(app.assemble(), list(words), input=given)
    assert result.exit_code == 0, result.output
    return result


@dataclass
class Readme:
    """Gives the commands of README's section, each `serve` as an application of this process behind a port."""

    folder: Path
    stack: ExitStack
    variables: dict[str, str] = field(default_factory=dict)
    configs: dict[str, Config] = field(default_factory=dict)
    clients: dict[str, Any] = field(default_factory=dict)

    def follow(self) -> None:
        section = README.read_text().partition("\n### The halves as two processes\n")[2]
        [block] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[:1]
        ports = {port: str(free_port()) for port in ("8001", "8002")}
        for line in block.replace("data/", f"{self.folder}/").replace(".venv/bin/usual", "usual").splitlines():
            for named, free in ports.items():
                line = re.sub(rf"\b{named}\b", free, line)
            self._line(line)

    def _line(self, line: str) -> None:
        if assigned := re.fullmatch(r"(\w+)=\$\(usual (.*)\)", line):
            self.variables[assigned[1]] = usual(*shlex.split(assigned[2])).stdout.strip()
        elif " | usual " in line:
            first, second = line.split(" | ")
            given = usual(*shlex.split(first)[1:]).stdout_bytes
            usual(*shlex.split(second)[1:], given=given)
        elif line.endswith(" &"):
            self._serve(line.removesuffix(" &"))
        else:
            usual(*shlex.split(line)[1:])

    def _serve(self, line: str) -> None:
        for name, value in self.variables.items():
            line = line.replace(f"${name}", value)
        words = shlex.split(line)
        at = words.index("usual")
        settings = {
            name.removeprefix("USUAL_").lower(): value for name, _, value in (w.partition("=") for w in words[:at])
        }
        options = dict(zip(words[at + 2 :: 2], words[at + 3 :: 2], strict=True))
        half = options["--only"]
        config = Config(home=Path(options["--home"]), only=half).model_copy(update=settings)
        application = app.create_app(config)
        server = make_server("127.0.0.1", int(options["--port"]), application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()
            for part in application.extensions["usual_open"]:
                part.close()

        self.stack.callback(stop)
        self.configs[half], self.clients[half] = config, application.test_client()


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readme]:
    with ExitStack() as stack:
        readme = Readme(tmp_path_factory.mktemp("apart"), stack)
        readme.follow()
        yield readme


def keys_of(readme: Readme, half: str) -> TokenKeys:
    return TokenKeys(readme.configs[half].home, system_clock)


def test_each_half_takes_what_the_other_signs(followed: Readme) -> None:
    assert [
        keys_agree(followed.configs[half], keys_of(followed, half)) for half in ("identity", "recommender")
    ] == [
        True,
        True,
    ]


def test_an_erasure_is_taken_with_the_key_that_readme_makes(followed: Readme) -> None:
    """The recommender reads the token, which is none: it was let in, and its keys are those that signed."""
    config = followed.configs["identity"]
    erase = handover.erasures(config.recommender_url, config.recommender_key, keys_of(followed, "identity"))
    with pytest.raises(handover.RecommenderUnreachable) as refused:
        erase("usual-t1.nothing")
    assert isinstance(refused.value.__cause__, handover.Refused)


@pytest.mark.parametrize("half", ["identity", "recommender"])
def test_pages_that_need_both_halves_say_where_they_live(followed: Readme, half: str) -> None:
    client = followed.clients[half]
    for path in ("/kiosk", "/taxi", "/driver", "/me"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert f"this process serves {half} alone" in page.text
        assert client.get(path).get_json()["code"] == "half_alone"
    first = client.get("/", headers={"Accept": "application/json"}).get_json()
    assert "kiosk" not in first
    assert "docs" in first


def test_other_keys_are_one_sentence_at_a_start_and_for_the_doctor(
    followed: Readme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = followed.configs["recommender"].model_copy(update={"home": tmp_path / "another"})
    usual("init", "--home", str(config.home))
    assert keys_agree(config, TokenKeys(config.home, system_clock)) is False
    app.try_once(config)
    assert capsys.readouterr().err == handover.KEYS_DIFFER + "\n"

    monkeypatch.setenv("USUAL_ONLY", "recommender")
    monkeypatch.setenv("USUAL_IDENTITY_URL", config.identity_url or "")
    said = CliRunner().invoke(app.assemble(), ["doctor", "--home", str(config.home), "--json"])
    findings = {one["what"]: one for one in json.loads(said.output)["findings"]}
    assert findings["identity"]["level"] == "wrong"
    assert findings["identity"]["says"] == "token.key of the two halves differ"
    assert "usual keys token export" in findings["identity"]["mend"]


def test_a_half_that_does_not_answer_is_no_difference_of_keys(followed: Readme) -> None:
    config = followed.configs["identity"].model_copy(update={"recommender_url": f"http://127.0.0.1:{free_port()}"})
    assert keys_agree(config, keys_of(followed, "identity")) is None


def test_what_is_no_key_is_not_taken(tmp_path: Path) -> None:
    usual("init", "--home", str(tmp_path))
    before = (tmp_path / "token.key").read_bytes()
    refused = CliRunner().invoke(
        app.assemble(), ["keys", "token", "import", "--home", str(tmp_path)], input="no key\n"
    )
    assert refused.exit_code == 1
    assert refused.output.count("\n") == 1
    assert (tmp_path / "token.key").read_bytes() == before
