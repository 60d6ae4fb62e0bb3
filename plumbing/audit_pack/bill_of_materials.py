"""The software bill of materials: every installed package that Usual needs, as CycloneDX 1.6 JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "usual"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of weights that the installation uses. `sha256` is the one that it must have."""

    name: str
    version: str
    licence: str
    sha256: str


def bill_of_materials(models: Sequence[ModelFile] = ()) -> str:
    """The installed packages that `usual` asks for, directly or through others, and the `models` it runs."""
    bom = Bom()
    asks = _needed()
    parts = {name: _component(metadata.distribution(name)) for name in asks}
    whole = parts[ROOT]
    whole.type = ComponentType.APPLICATION
    bom.metadata.component = whole
    for name, part in parts.items():
        bom.register_dependency(part, [parts[other] for other in asks[name] if other in parts])
        if name != ROOT:
            bom.components.add(part)
    for file in models:
        bom.components.add(_model(file))
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _needed() -> dict[str, list[str]]:
    """The installed packages that are reached from our own, sorted, each with those that it asks for."""
    found: dict[str, list[str]] = {}
    left: list[tuple[str, frozenset[str]]] = [(ROOT, frozenset())]
    while left:
        name, extras = left.pop()
        if name in found and not extras:
            continue
        try:
            wanted = list(_asks_for(name, extras))
        except metadata.PackageNotFoundError:  # for another system, or left out of the lock on purpose
            continue
        found[name] = sorted({*found.get(name, ()), *(other for other, _ in wanted)})
        left += [(other, more) for other, more in wanted if other not in found or more]
    return dict(sorted(found.items()))


def _asks_for(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in metadata.requires(name) or ():
        wanted = Requirement(text)
        here = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if here:
            yield canonicalize_name(wanted.name), frozenset(wanted.extras)


def _model(file: ModelFile) -> Component:
    return Component(
        name=file.name,
        version=file.version,
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{file.name}@{file.version}",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
        licenses=[LicenseFactory().make_from_string(file.licence)],
    )


def _component(distribution: metadata.Distribution) -> Component:
    name, version = canonicalize_name(distribution.metadata["Name"]), distribution.version
    licence = _licence(distribution)
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=f"{name}@{version}",
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
    )


def _licence(distribution: metadata.Distribution) -> str:
    """The licence that the package declares: an expression, else its classifiers, else its first line."""
    declared = distribution.metadata.json
    if expression := declared.get("license_expression"):
        return str(expression)
    classes = [text.rpartition(" :: ")[2] for text in declared.get("classifier", ()) if "License ::" in text]
    return "; ".join(classes) or str(declared.get("license", "")).strip().split("\n", 1)[0][:100]
