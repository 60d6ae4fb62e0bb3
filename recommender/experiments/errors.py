"""The errors of experiments. Sentences for the desk come in three languages from its words."""

from __future__ import annotations

from collections.abc import Sequence

from plumbing.problem_json import Problem


class ExperimentError(Problem):
    """An experiment that cannot be changed like this."""

    code = "experiment_error"
    what_to_do = "Read the experiment again; the reply says what is in the way."


class InvalidExperiment(ExperimentError):
    """An experiment with wrong fields; nothing was stored."""

    code = "invalid_experiment"
    status = 422
    title = "The experiment is not valid"
    what_to_do = "Mend the fields that the reply names, and send it again."

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        messages = " ".join(f"{name}: {message}" for name, message in fields)
        super().__init__(
            f"Check these fields. {messages}",
            fields=[{"field": name, "message": message} for name, message in fields],
        )


class UnknownExperiment(ExperimentError):
    """No such experiment of this tenant."""

    code = "unknown_experiment"
    status = 404
    title = "No such experiment"
    what_to_do = "Read the list of experiments again."

    def __init__(self, experiment_id: str) -> None:
        super().__init__(f"There is no experiment {experiment_id!r}.")


class WrongState(ExperimentError):
    """The experiment is not in a state in which this can be done."""

    code = "experiment_state"
    status = 409
    title = "This experiment cannot do that now"
    what_to_do = "Read the experiment again: its state says what can be done now."

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"The experiment is {state}; this needs one that is {wanted}. Nothing was changed.")


class ExperimentsOverlap(ExperimentError):
    """Other experiments of the scene have the customers that this one asks for."""

    code = "experiments_overlap"
    status = 409
    title = "Other experiments have these customers"
    what_to_do = "End one of the other experiments, or take fewer customers."

    def __init__(self, others: Sequence[str], free: float) -> None:
        names = ", ".join(others)
        super().__init__(
            f"{names} runs on the same scene, and nobody is in two at once. Free are {free:.0%} of the customers:"
            " ask for fewer, or stop the other one.",
            others=list(others),
            free=free,
        )


class VariantMissing(ExperimentError):
    """A variant names something that is not there."""

    code = "variant_missing"
    status = 409
    title = "A variant cannot be shown"
    what_to_do = "Choose another version, offer or document of rules for the variant."

    def __init__(self, variant: str, what: str) -> None:
        super().__init__(f"Variant {variant}: {what} Nothing was changed.", variant=variant)


class SecondPersonNeeded(ExperimentError):
    """What the winner changes needs a second person at this tenant."""

    code = "second_person_needed"
    status = 409
    title = "A second person has to approve this change"
    says = "End the experiment without a change, and make the change on its own page: there it waits for approval."


class NotTheWholeTenant(ExperimentError):
    """Experiments change what all sites show."""

    code = "not_the_whole_tenant"
    status = 403
    title = "Your role covers some sites only"
    says = "An experiment runs at all sites. Ask a colleague whose role covers all of them."
