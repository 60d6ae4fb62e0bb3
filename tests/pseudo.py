"""A language that nobody speaks, for tests: Arabic letters, written from the right, 40 % longer than English."""

from __future__ import annotations

import shutil
from pathlib import Path

from fluent.syntax import ast, parse, serialize
from fluent.syntax.visitor import Transformer

from screens.dictionaries import FOLDER

LANGUAGE = "ar"
NAME = "العربية"
LONGER = 1.4
_LETTERS = "ابجدهوزحطيكلمنسعفصقرشتثخذض"  # one for each letter of the Latin alphabet


def spell(text: str) -> str:
    """English as it reads in this language: each word in Arabic letters, and more of the words."""
    words = [_word(word) for word in text.split(" ")]
    longer, missing = list(words), round(len(text) * LONGER) - len(text)
    for word in words * 2:
        if missing <= 0:
            break
        if word:
            longer.append(word[:missing])
            missing -= len(word) + 1
    return " ".join(longer)


def _word(word: str) -> str:
    return "".join(_LETTERS[ord(sign) - ord("a")] if "a" <= sign <= "z" else sign for sign in word.lower())


class _Speller(Transformer):
    def visit_TextElement(self, node: ast.TextElement) -> ast.TextElement:
        body = node.value.strip()
        if body:
            node.value = node.value.replace(body, spell(body))
        return node


def words_with(folder: Path) -> Path:
    """The words of the pages with this language, in a copy inside `folder`."""
    copy = folder / "words"
    shutil.copytree(FOLDER, copy)
    (copy / LANGUAGE).mkdir()
    for path in (copy / "en").glob("*.ftl"):
        tree = _Speller().visit(parse(path.read_text("utf-8")))
        text = serialize(tree)
        if path.stem == "shell":
            text = "\n".join(
                f"language_name = {NAME}" if line.startswith("language_name") else line
                for line in text.splitlines()
            )
        (copy / LANGUAGE / path.name).write_text(text + "\n", "utf-8")
    return copy
