"""What the API says of a wrong field or address: the reason in words, in `detail` as well."""

from __future__ import annotations

import pytest
from flask import Flask
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plumbing import problem_json
from plumbing.sentence import ended


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: int = Field(1, le=50)
    site: str = ""


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"n": 99}, "n: Input should be less than or equal to 50."),
        ({"sit": "a"}, "sit: there is no field 'sit'."),
        ({"n": 99, "sit": "a"}, "Check these fields: n, sit. n: Input should be less than or equal to 50."),
    ],
)
def test_the_detail_has_the_first_reason(given: dict[str, object], detail: str) -> None:
    with pytest.raises(ValidationError) as found:
        Query.model_validate(given)
    with Flask("x").app_context():
        assert problem_json.invalid_request(found.value).get_json()["detail"] == detail


def test_an_address_that_is_none() -> None:
    app = Flask("x")
    problem_json.register(app)
    app.add_url_rule("/there", view_func=lambda: "", methods=["POST"])
    client = app.test_client()
    assert client.get("/nowhere").get_json()["detail"] == "There is no such address; /docs lists them all."
    assert client.get("/there").get_json()["detail"].startswith("This address does not take this method;")


def test_a_sentence_ends_once() -> None:
    assert [ended(text) for text in ("a", "a.", "a?")] == ["a.", "a.", "a?"]
