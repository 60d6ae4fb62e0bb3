"""What must be so in every module of the product, read from the source.

Import contracts are in tests/test_architecture.py; these are calls and words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.conftest import ROOT

PRODUCT = ("identity", "recommender", "plumbing", "screens", "desk", "doorway", "app.py")


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the product: (path, tree)."""
    tops = [ROOT / name for name in PRODUCT]
    paths = [path for top in tops for path in ([top] if top.is_file() else sorted(top.rglob("*.py")))]
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in paths)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a module with the name that is called, such as "os.system"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    """The name of what is called or read; "" for the result of another call."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def fixed(node: ast.expr) -> bool:
    """Whether a text stands in the source: a literal, a constant (its name in capitals), or those put together."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        return (node.id if isinstance(node, ast.Name) else node.attr).isupper()
    if isinstance(node, ast.BinOp):
        return fixed(node.left) and fixed(node.right)
    if isinstance(node, ast.Subscript):
        return fixed(node.value)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "sql.SQL":  # psycopg quotes what is put in
        return fixed(node.args[0])
    return isinstance(node, ast.JoinedStr) and all(
        fixed(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
    )


def test_no_text_becomes_code_a_command_a_template_or_xml() -> None:
    forbidden = re.compile(
        r"(builtins\.)?(eval|exec|compile|__import__)|os\.(system|popen|exec\w+|spawn\w+)"
        r"|(\w+\.)*(render_template_string|from_string|Template)"
    )
    parsers = re.compile(r"(xml|lxml|defusedxml|yaml|jinja2|ldap\w*|marshal|shelve)(\.|$)")
    found = []
    for path, tree in modules():
        found += [f"{path}: imports {name}" for name in imported(tree) if parsers.match(name)]
        for name, call in calls(tree):
            shell = any(keyword.arg == "shell" for keyword in call.keywords)
            if shell or forbidden.fullmatch(name):
                found.append(f"{path}:{call.lineno}: {name}")
            if re.fullmatch(r"subprocess\.(run|Popen|call|check_\w+)", name) and not isinstance(
                call.args[0], ast.List
            ):
                found.append(f"{path}:{call.lineno}: {name} without a list of words")

    assert found == []


def test_no_pattern_is_made_from_input() -> None:
    functions = re.compile(r"re\.(compile|search|match|fullmatch|sub|subn|split|findall|finditer)")
    found = [
        f"{path}:{call.lineno}"
        for path, tree in modules()
        for name, call in calls(tree)
        if functions.fullmatch(name) and not fixed(call.args[0])
    ]

    assert found == []


def test_no_format_string_is_made_from_input() -> None:
    found = [
        f"{path}:{call.lineno}: {ast.unparse(call.func)}"
        for path, tree in modules()
        for name, call in calls(tree)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("format", "format_map")
        and not fixed(call.func.value)
    ]

    assert found == []


def test_secrets_come_from_the_secure_generator() -> None:
    """`random` and numpy's generators are for training and evaluation: they draw nothing that nobody may guess."""
    may = re.compile(r"identity/(evaluation/|cli/evaluate|engines/warm_up|matching/calibration)|recommender/")
    generators = re.compile(r"random(\.|$)|numpy\.random|(np|numpy)\.random\..*")
    found = []
    for path, tree in modules():
        if not may.match(path):
            found += [f"{path}: imports {name}" for name in imported(tree) if generators.match(name)]
            found += [f"{path}:{call.lineno}" for name, call in calls(tree) if generators.match(name)]
        found += [
            f"{path}:{call.lineno}: {ast.unparse(call)}"
            for name, call in calls(tree)
            if name == "secrets.token_urlsafe" and drawn_bytes(call) < 16  # hexadecimal ones are names
        ]

    assert found == []


def drawn_bytes(call: ast.Call) -> int:
    """How many random bytes a call of `secrets` draws; 32 where that stands elsewhere."""
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, int) else 32


def test_cryptography_comes_from_the_library() -> None:
    # ssl: TLS of the standard library, to mail servers; that its checks stay on is tested below
    known = re.compile(r"cryptography\.(fernet|exceptions|hazmat\.primitives)|hashlib$|hmac$|secrets$|ssl$")
    suspects = re.compile(r"(\w+\.)*(crypt\w*|nacl|Crypto|jwt|jose|rsa|ecdsa|hash\w*|hmac|secrets|ssl)(\.|$)")
    found = [
        f"{path}: {name}"
        for path, tree in modules()
        for name in imported(tree)
        if suspects.match(name) and not known.match(name)
    ]

    assert found == []


def test_only_strong_hashes_and_ciphers_are_named() -> None:
    allowed = {"sha256", "sha384", "sha512", "scrypt", "file_digest", "blake2b"}
    ciphers = {"algorithms.AES", "modes.CTR", "modes.GCM"}
    found = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                name = dotted(node)
                weak_hash = re.fullmatch(r"hashlib\.\w+", name) and node.attr not in allowed
                weak_cipher = re.fullmatch(r"(algorithms|modes|ciphers)\.\w+", name) and name not in ciphers
                if weak_hash or weak_cipher:
                    found.append(f"{path}:{node.lineno}: {name}")
            elif isinstance(node, ast.Constant) and node.value in ("md5", "sha1", "MD5", "SHA1"):
                found.append(f"{path}:{node.lineno}: {node.value}")

    assert found == []


def test_no_certificate_check_is_switched_off() -> None:
    words = re.compile(r"CERT_NONE|check_hostname|_create_unverified|verify\s*=\s*False")

    assert [path for path, tree in modules() if words.search(ast.unparse(tree))] == []


def test_no_script_merges_foreign_objects_or_touches_prototypes() -> None:
    """`Object.assign` is called with fields that stand in the source, never with an object of a reply."""
    scripts = sorted((ROOT / "screens" / "static").rglob("*.js"))
    found = []
    for path in scripts:
        text = path.read_text()
        found += [f"{path.name}: {word}" for word in ("__proto__", ".prototype", "setPrototypeOf") if word in text]
        merges = re.findall(r"Object\.assign\([^{)]*\)", text)
        found += [f"{path.name}: {merge}" for merge in merges]

    assert len(scripts) > 10
    assert found == []
