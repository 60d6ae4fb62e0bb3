"""The modules of a page as one file. Every test of kiosk and taxi in a browser runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screens.joined import LATER, PAGES, apart, joined, name_of, needed
from tests.conftest import ROOT

FOLDER = ROOT / "screens" / "static"


def written(folder: Path, **modules: str) -> Path:
    """A folder with these modules of `js/`; a double underscore is a slash."""
    for name, text in modules.items():
        path = folder / "js" / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_every_module_stands_once_behind_those_that_it_imports(page: str) -> None:
    text = joined(FOLDER, page)
    parts = re.findall(
        r"^// (js/[\w/]+\.js)\nconst module_(\d+) = (.*?)^}\)\(\);$", text, re.MULTILINE | re.DOTALL
    )
    there = re.findall(r"^import \* as module_(\d+) from", text, re.MULTILINE)

    assert len(there) == len(apart(FOLDER, page))
    for _, number, body in parts:
        assert set(re.findall(r"^const .* = module_(\d+);$", body, re.MULTILINE)) <= set(there)
        there.append(number)
    names = [name for name, _, _ in parts]
    assert sorted([*names, *apart(FOLDER, page)]) == sorted(needed(FOLDER, page))
    assert names[-1] == page


def test_what_is_loaded_later_shares_its_modules_with_the_page() -> None:
    """Else there would be two of them: words that one has loaded would be missing in the other."""
    scripts = [path.read_text() for path in (FOLDER / "js").rglob("*.js")]
    named = {name for text in scripts for name in re.findall(r"\bimport\((\w+)\)", text)}
    found = {re.search(rf'const {name} = "\./([^"]+)";', text) for text in scripts for name in named}

    assert {f"js/{one[1]}" for one in found if one} == set(LATER)
    for page in PAGES:
        assert set(apart(FOLDER, page)) == set(needed(FOLDER, page)) & set(needed(FOLDER, *LATER))


def test_names_of_one_module_are_not_seen_in_another(tmp_path: Path) -> None:
    written(
        tmp_path,
        kiosk='import { b as c } from "./parts/b.js";\nimport * as all from "./parts/b.js";\nconst own = c;\n',
        parts__b="const own = 2;\nexport const b = own;\nexport async function unused() {}\n",
    )
    lines = [
        "// js/parts/b.js",
        "const module_0 = (() => {",
        "const own = 2;",
        "const b = own;",
        "async function unused() {}",
        "return Object.freeze({ b, unused });",
        "})();",
        "// js/kiosk.js",
        "const module_1 = (() => {",
        "const { b: c } = module_0;",
        "const all = module_0;",
        "const own = c;",
        "return Object.freeze({  });",
        "})();",
    ]

    assert joined(tmp_path, "js/kiosk.js").splitlines() == lines
    assert name_of("js/kiosk.js") == "js/kiosk.joined.js"


@pytest.mark.parametrize(
    "text",
    [
        "export let count = 0;\n",
        "export default 1;\n",
        "const a = 1;\nexport { a };\n",
        'import a from "./a.js";\n',
        "await fetch('/');\n",
        "const here = import.meta.url;\n",
        'const later = () => import("./c.js");\n',
        'import "../kiosk.js";\n',
    ],
)
def test_what_cannot_be_joined_is_refused_with_the_modules_name(tmp_path: Path, text: str) -> None:
    written(tmp_path, kiosk='import "./parts/b.js";\n', parts__b=text)

    with pytest.raises(ValueError, match=r"^js/(parts/b|kiosk)\.js "):
        joined(tmp_path, "js/kiosk.js")
