"""The errors of rules.

Problem
    RulesUnreadable     500  a stored document that this release cannot read
    RulesConflict       422  rules that contradict each other or name what is not there
    RulesOfOtherSites   403  a person of some sites changes what other sites show
    NoSuchRules         404  no document of this number
    NoSuchPerson        422  a preview for somebody who is none of the drawn people
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plumbing.problem import Problem


class RulesUnreadable(Problem, ValueError):
    """A document that is no document of rules, or one of a newer release."""

    code = "rules_unreadable"
    status = 500
    title = "The rules cannot be read"
    says = "No rule holds until they are saved again, or an earlier document is restored."


class RulesConflict(Problem):
    """Rules that contradict each other, or name what is not there; nothing was saved.

    `conflicts` are JSON objects {rules, code, message}, `fields` the same for a form.
    """

    code = "rules_conflict"
    status = 422
    title = "The rules cannot hold together"
    what_to_do = "Mend the rules that the reply names, and save again."

    def __init__(self, conflicts: Sequence[dict[str, Any]]) -> None:
        super().__init__(
            " ".join(one["message"] for one in conflicts[:3]),
            conflicts=list(conflicts),
            fields=[
                {"field": f"rule:{rule}", "message": one["message"]} for one in conflicts for rule in one["rules"]
            ],
        )


class RulesOfOtherSites(Problem):
    """A person of some sites would change what other sites show."""

    code = "rules_of_other_sites"
    status = 403
    title = "These rules also hold at sites that are not yours"
    what_to_do = "Ask somebody whose account is for all these sites."

    def __init__(self, rules: Sequence[str], sites: Sequence[str]) -> None:
        named = ", ".join(rules[:5])
        super().__init__(f"You may change rules of {', '.join(sites)} only. Give these rules your sites: {named}.")


class NoSuchRules(Problem):
    """No document of rules has this number."""

    code = "no_such_rules"
    status = 404
    title = "There are no such rules"
    what_to_do = "Read the history of the rules again."

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no document number {number}. The last 20 are kept.")


class NoSuchPerson(Problem):
    """A preview for somebody who is none of the drawn people."""

    code = "no_such_person"
    status = 422
    title = "There is no drawn person of this name"
    what_to_do = "Take one of the people that the reply of the preview names."

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(f"There is no drawn person {name!r}; there are {', '.join(names)}.")
