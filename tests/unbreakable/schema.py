"""Requests made from the description of the API, with a key of every scope: no 5xx, every answer as described."""

from __future__ import annotations

from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import ValidationError
from schemathesis.core.result import Ok

from bench.measure import Row
from tests.journey import Place
from tests.unbreakable.installation import PACKS, installation

CASES = {True: 12, False: 100}  # of each operation


def rows(short: bool) -> list[Row]:
    """Cases, answers of 500 and more, and answers that are not as described."""
    with installation() as made:
        place = Place(made.setting.home, PACKS, tenant="demo")
        place.app.config["PROPAGATE_EXCEPTIONS"] = (
            True  # or an accident in a check would look like one of the server
        )
        try:
            statuses, wrong = _probe(place, CASES[short])
        finally:
            place.identity.close()
    section = "Cases from the description, every scope, against the application"
    server_errors = sum(count for status, count in statuses.items() if status >= 500)
    shown = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    return [
        Row(section, "cases", sum(statuses.values()), "", None if short else 3_000, "more", shown),
        Row(section, "answers of 500 and more", server_errors, "", 0),
        Row(section, "answers not as described", len(wrong), "", 0, note="; ".join(wrong)[:200]),
    ]


def _probe(place: Place, cases: int) -> tuple[Counter[int], list[str]]:
    statuses: Counter[int] = Counter()
    wrong: list[str] = []
    schema = schemathesis.openapi.from_wsgi("/openapi.json", place.app)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=cases,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def one(case: schemathesis.Case[Any]) -> None:
            try:
                statuses[case.call(headers={"X-API-Key": place.key}).status_code] += 1
            except (AssertionError, ValidationError) as error:  # from `check_replies`: it is not as described
                wrong.append(f"{case.method} {case.path}: {str(error)[:80]}")
            except Exception as error:
                statuses[500] += 1
                wrong.append(f"{case.method} {case.path}: {type(error).__name__}: {str(error)[:80]}")

        one()
    return statuses, wrong
