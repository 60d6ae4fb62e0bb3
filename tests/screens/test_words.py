"""The words of the pages: complete, used, alike in their variables, and nowhere else than in the Fluent files."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

import screens
from identity import consent
from plumbing.words import LANGUAGES, Words
from recommender.orders.similar import REASONS as LIKE_THIS
from screens.dictionaries import FOLDER, dictionaries
from screens.web import build
from tests import pseudo
from tests.conftest import ROOT

PAGES = Path(screens.__file__).parent
SCRIPTS = sorted((PAGES / "static" / "js").rglob("*.js"))
TEMPLATES = sorted((PAGES / "templates").rglob("*.html"))
WORDS = Words(FOLDER)
ENGLISH = WORDS.variables("en")
SERVED = {language: json.loads(one.body)["messages"] for language, one in dictionaries().items()}
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
TEMPLATE = re.compile(r"`((?:[^`\\]|\\.)*)`")


def code_of(path: Path) -> str:
    """A script without comments and without what only developers read."""
    text = re.sub(r"/\*.*?\*/|(?<![:\"'])//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"new (?:\w*Error|Offline|TooSlow|Unreachable)\([^\n]*", "", text)


def named_ids() -> Iterator[str]:
    """Patterns of every id that scripts and templates may mean by a literal or by a literal with blanks."""
    for path in SCRIPTS:
        mine = "me_" if path.parent.name == "me" else ""
        code = code_of(path)
        yield from (mine + re.escape(text) for text in LITERAL.findall(code))
        for text in re.findall(r"\w*_\$\{[^{}]*\}(?:_\w+)?|\$\{[^{}]*\}_\w+", code):
            if text != "me_${key}":
                yield mine + re.sub(r"\$\{[^{}]*\}", r"\\w+", text)
    for path in TEMPLATES:
        source = path.read_text("utf-8")
        yield from re.findall(r"words\.(\w+)", source)
        for attribute in re.findall(r'data-i18n(?:-label|-placeholder)?="([^"]+)"', source):
            yield from re.findall(r"'(\w+)'", attribute)
            yield re.sub(r"\{\{.*?\}\}", r"\\w+", attribute)


def test_the_languages_of_the_product_are_complete() -> None:
    assert set(LANGUAGES) <= set(WORDS.languages)
    for language in LANGUAGES:
        assert WORDS.compiled(language).faults == ()
        assert WORDS.variables(language) == ENGLISH, language
        assert dictionaries()[language].body.count(b'"english":[]') == 1


def test_no_sentence_is_left_in_english_and_japanese_is_written_in_japanese() -> None:
    same = {name for name in ENGLISH if len({json.dumps(SERVED[language][name]) for language in LANGUAGES}) == 1}
    latin = {name for name, text in SERVED["ja"].items() if not re.search("[\u3040-\u9fff]", str(text))}

    assert same <= {"me_record_line"}
    assert latin <= {"with_advice", "me_record_line", "me_at_place", "me_lookup_line"}
    assert all(str(text).strip() for language in LANGUAGES for text in SERVED[language].values())


def test_no_message_is_written_twice() -> None:
    for language in WORDS.languages:
        written = [
            name
            for path in (FOLDER / language).glob("*.ftl")
            for name in re.findall(r"(?m)^(-?\w[\w-]*) =", path.read_text("utf-8"))
        ]
        assert len(written) == len(set(written)), language


def test_every_message_is_used() -> None:
    patterns = re.compile("|".join(f"(?:{name})" for name in set(named_ids())))
    unused = {
        name
        for name in ENGLISH
        if not name.startswith(("reason_", "category_", "allergen_")) and not patterns.fullmatch(name)
    }

    assert unused - {"language_name"} == set()


def test_every_message_that_is_asked_for_exists() -> None:
    asked = set()
    for path in SCRIPTS:
        mine = "me_" if path.parent.name == "me" else ""
        asked |= {mine + name for name in re.findall(r'\bt\((?:[^()"]*\? )?"([\w-]+)"', code_of(path))}
    for path in TEMPLATES:
        source = path.read_text("utf-8")
        asked |= set(re.findall(r'data-i18n(?:-label)?="([\w-]+)"', source)) | set(
            re.findall(r"words\.(\w+)", source)
        )

    assert len(asked) > 150
    assert asked - set(ENGLISH) == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(PAGES)))
def test_no_script_holds_a_sentence(path: Path) -> None:
    texts = LITERAL.findall(code_of(path)) + TEMPLATE.findall(code_of(path))
    sentences = [
        text for text in texts if re.search(r"[A-Z][a-z]+ [a-z]+ |[a-z]{2}[.!?…]$|[^\W\d_a-zA-Z]{2}", text)
    ]
    sentences += [text for text in texts if re.search(r"\w[äöüß\u3040-\u9fff]|[äöüß\u3040-\u9fff]\w", text)]

    assert [text for text in sentences if not text.startswith((".", "/", "#"))] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_sentence(path: Path) -> None:
    source = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    shown = [text.strip() for text in re.findall(r">([^<]+)<", source)]
    said = re.findall(r'(?<![\w-])(?:aria-label|title|alt|placeholder)="([^"]*[a-z][^"]*)"', source)

    assert [text for text in shown if re.search(r"[^\W\d_]", text) and text not in ("Usual", "usual")] == []
    assert said == []


def test_every_reason_of_the_server_has_a_sentence() -> None:
    """By its code or by the first word of it; and no sentence is about a code that nobody gives."""
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "recommender").rglob("*.py"))
    folders = {"kiosk": ("orders", "scenes", "rules"), "taxi": ("destinations",)}
    for page, names in folders.items():
        files = [path for name in names for path in (ROOT / "recommender" / name).rglob("*.py")]
        given = {code for path in files for code in re.findall(r'Reason\("(\w+)"', path.read_text("utf-8"))}
        assert given
        for code in given:
            assert {f"reason_{page}_{code}", f"reason_{page}_{code.split('_')[0]}"} & set(ENGLISH), (page, code)
    codes = {re.sub(r"^reason_[a-z]+_", "", name) for name in ENGLISH if name.startswith("reason_")}
    given = set(re.findall(r'Reason\("(\w+)"', sources)) | set(LIKE_THIS)
    assert {f"reason_kiosk_{code}" for code in LIKE_THIS} <= set(ENGLISH)
    assert codes - given - {code.split("_")[0] for code in given} - {"counted", "often"} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("prefix", ["", "me_"])
def test_the_words_beside_a_box_are_those_of_the_notice(language: str, prefix: str) -> None:
    """What is ticked on the screen is what the record and the receipt say."""
    (notice,) = Path(consent.__file__).parent.glob(f"texts/*/{language}.md")
    head = notice.read_text("utf-8").split("---")[1]

    for purpose in ("orders", "offers", "destinations"):
        (agreed,) = re.findall(rf"^{purpose}: (.+)$", head, re.MULTILINE)
        assert SERVED[language][f"{prefix}purpose_{purpose}_text"] == agreed


def test_the_notice_names_the_button_as_the_screen_does() -> None:
    texts = sorted(Path(consent.__file__).parent.glob("texts/*/*.md"))

    assert {text.stem for text in texts} == set(LANGUAGES)
    for text in texts:
        assert SERVED[text.stem]["forget_me"] in text.read_text("utf-8"), text


# --- how they are served -----------------------------------------------------------------------------------------


def client_of(words: Path) -> FlaskClient:
    app = Flask("pages")
    app.register_blueprint(build(words=words))
    return app.test_client()


def listed(client: FlaskClient, page: str = "/kiosk") -> dict[str, dict[str, str]]:
    (attribute,) = re.findall(r'data-languages="([^"]+)"', client.get(page).text)
    languages: dict[str, dict[str, str]] = json.loads(html.unescape(attribute))
    return languages


@pytest.mark.parametrize("page", ["/kiosk", "/taxi", "/me"])
def test_a_page_names_every_language_and_the_file_with_its_words(page: str) -> None:
    client = client_of(FOLDER)
    languages = listed(client, page)

    assert {name: one["name"] for name, one in languages.items()} == {
        "en": "English",
        "de": "Deutsch",
        "ja": "日本語",
    }
    for name, one in languages.items():
        reply = client.get(one["url"])
        assert (reply.status_code, reply.mimetype, json.loads(reply.data)["language"]) == (
            200,
            "application/json",
            name,
        )
        assert "immutable" in reply.headers["Cache-Control"]


def test_other_words_have_another_address_and_an_unknown_one_is_not_found(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "words")
    path = tmp_path / "words" / "de" / "shell.ftl"
    path.write_text(path.read_text("utf-8").replace("Als Gast", "Einfach als Gast"), "utf-8")
    before, after = listed(client_of(FOLDER)), listed(client_of(tmp_path / "words"))

    assert before["en"] == after["en"]
    assert before["de"]["url"] != after["de"]["url"]
    assert client_of(FOLDER).get(after["de"]["url"]).status_code == 404


def test_a_half_translated_language_is_english_sentence_by_sentence_and_the_operator_is_told(
    tmp_path: Path,
) -> None:
    shutil.copytree(FOLDER, tmp_path / "words")
    path = tmp_path / "words" / "de" / "shell.ftl"
    path.write_text("guest = Als Gast\nrecognise = { LOUD($x) }\nnot_me = { broken\n", "utf-8")

    with capture_logs() as logs:
        german = json.loads(dictionaries(tmp_path / "words")["de"].body)

    assert german["messages"]["guest"] == "Als Gast"
    assert german["messages"]["not_me"] == SERVED["en"]["not_me"]
    assert german["messages"]["recognise"] == SERVED["en"]["recognise"]
    assert {"not_me", "recognise"} <= set(german["english"])
    (line,) = logs
    assert (line["event"], line["log_level"], line["language"]) == ("screen_words_incomplete", "warning", "de")
    assert "not_me" in line["in_english"]
    assert len(line["faults"]) == 2


def test_a_language_is_added_by_its_folder_alone(tmp_path: Path) -> None:
    words = pseudo.words_with(tmp_path)
    client = client_of(words)
    added = listed(client)[pseudo.LANGUAGE]
    arabic = json.loads(client.get(added["url"]).data)

    assert added["name"] == pseudo.NAME
    assert arabic["direction"] == "rtl"
    assert arabic["english"] == []
    lengths = [
        (len(SERVED["en"][name]), len(text)) for name, text in arabic["messages"].items() if isinstance(text, str)
    ]
    assert sum(after for _, after in lengths) >= 1.35 * sum(before for before, _ in lengths)


def test_the_made_up_language_is_never_offered() -> None:
    assert pseudo.LANGUAGE not in listed(client_of(FOLDER))


@pytest.mark.parametrize(
    ("query", "header", "language", "sentence"),
    [
        ("?lang=de", "ja", "de", "Diese Seite braucht JavaScript."),
        ("", "ja-JP,en;q=0.5", "ja", "このページにはJavaScriptが必要です。"),
        ("?lang=xx", "fr", "en", "This page needs JavaScript."),
    ],
)
def test_without_scripts_the_page_says_so_in_the_language_of_the_reader(
    query: str, header: str, language: str, sentence: str
) -> None:
    page = client_of(FOLDER).get(f"/kiosk{query}", headers={"Accept-Language": header}).text

    assert f'<html lang="{language}">' in page
    assert sentence in page


@pytest.mark.parametrize("page", ["kiosk", "taxi", "driver"])
@pytest.mark.parametrize(
    ("language", "word", "pressed"), [("en", "Language", "English"), ("ja", "言語", "日本語")]
)
def test_a_page_can_be_read_before_any_script_has_run(page: str, language: str, word: str, pressed: str) -> None:
    """So nothing moves when one has: each sentence and each language is in the page that is sent."""
    app = Flask("pages")
    app.register_blueprint(build())
    sent = app.test_client().get(f"/{page}?lang={language}").text
    said = dictionaries()[language].messages
    wanted = re.findall(r'data-i18n="(\w+)"[^>]*>([^<]*)</', sent)
    assert len(wanted) > 5
    assert [(key, html.unescape(text)) for key, text in wanted] == [(key, said[key]) for key, _ in wanted]
    assert re.findall(r'aria-pressed="true">([^<]+)<', sent)[0] == pressed
