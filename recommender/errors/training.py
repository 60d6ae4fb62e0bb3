"""What can go wrong with trainings, versions and their schedule."""

from __future__ import annotations

from recommender.errors.base import RecommenderError


class TrainingError(RecommenderError):
    """A training, a version or a schedule that is refused."""

    code = "training_error"
    status = 422
    title = "The models were not changed"
    what_to_do = "Read the reply: it names what is in the way. What is live goes on meanwhile."


class TrainingRunning(TrainingError):
    """Another training of the scene is running, perhaps in another process."""

    code = "training_in_progress"
    status = 409
    title = "A training of this scene is running"
    what_to_do = "Wait until it has ended, or cancel it."
    retry_after = 10

    def __init__(self, run_id: str) -> None:
        super().__init__("Wait until it has ended. Its progress is under runs/" + run_id, run_id=run_id)


class NotEnoughEvents(TrainingError):
    """There is too little history to train from."""

    code = "not_enough_events"
    title = "There are too few events to learn from"
    what_to_do = "Nothing: counting answers until there are more orders."

    def __init__(self, what: str) -> None:
        super().__init__(what)


class NothingLeft(NotEnoughEvents):
    """Nobody's history is there to learn from, not even too few people's."""


class NoSuchRun(TrainingError):
    code = "not_found"
    status = 404
    title = "There is no such run"
    says = "Runs are listed under /recommender/v1/models."


class NoSuchChoice(TrainingError):
    """A list of trainings with a length or a filter that it cannot have."""

    code = "no_such_choice"
    title = "The list cannot be made like this"
    what_to_do = "Choose a length and filters that leave something to list."


class RunEnded(TrainingError):
    """A training that has ended cannot be cancelled."""

    code = "run_ended"
    status = 409
    title = "This training has ended"
    what_to_do = "Read the training again: it has its result."

    def __init__(self, state: str) -> None:
        super().__init__(f"It ended as {state!r}; there is nothing to cancel.", state=state)


class TrainingCancelled(TrainingError):
    """Somebody asked a running training to end. Nothing is published, nothing is left."""

    code = "training_cancelled"
    status = 409
    title = "The training was cancelled"
    what_to_do = "Nothing: somebody ended it. Start another one when it is wanted."

    def __init__(self, who: str) -> None:
        super().__init__(f"The training was cancelled by {who}; nothing was published.")
        self.who = who


class TrainingTooLarge(TrainingError):
    """A training that needed more memory than it may use. Nothing is published, nothing is left."""

    code = "training_too_large"
    status = 507
    title = "The training needed too much memory"
    what_to_do = "Give the training more memory, or keep a shorter history."

    def __init__(self, megabytes: int) -> None:
        super().__init__(f"It may use {megabytes} MB; nothing was published.")
        self.megabytes = megabytes


class NoSuchVersion(TrainingError):
    """No version of this name is kept, or none before the live one."""

    code = "version_not_found"
    status = 404
    title = "There is no such version to roll back to"
    what_to_do = "Read the versions again; older ones are not kept for ever."

    def __init__(self, scene: str, version: str | None) -> None:
        what = f"The version {version!r}" if version else "An earlier version"
        super().__init__(f"{what} of {scene} does not exist or does not match its checksums.")


class NotPinned(TrainingError):
    """There is no pin to take away."""

    code = "not_pinned"
    status = 409
    title = "No version of this scene is pinned"
    says = "Trainings publish already; there is nothing to unpin."


class NotAccepted(TrainingError):
    """Only a refusal for the data can be overruled by a person."""

    code = "nothing_to_accept"
    status = 409
    title = "This training was not refused for its data"
    says = "Look at why it ended as it did; only a changed log can be accepted."


class ArtifactError(TrainingError):
    """A version that does not match its manifest."""

    code = "artifact_unreadable"
    status = 500
    title = "A model version cannot be read"
    what_to_do = "Nothing is to be done while an earlier version serves; else train again (`usual train`)."


class SceneUntrained(TrainingError):
    """The scene trains no versions, so that there is none to choose."""

    code = "scene_has_no_model"
    what_to_do = "Nothing: offers are decided without a trained version."

    def __init__(self, scene: str) -> None:
        super().__init__(f"The scene {scene!r} does not exist; there is nothing to train.")


class ScheduleRefused(TrainingError):
    """An entry of the schedule that cannot be read, or that would train too often."""

    code = "schedule_refused"
    title = "The schedule was not changed"
    what_to_do = "Mend the entry as the reply says; GET /recommender/v1/schedule/reading tries one."


class ClusterError(TrainingError):
    """A training on several machines that cannot go on. Nothing was published, nothing is left."""

    code = "cluster_unusable"
    title = "The training did not run on the cluster"
    status = 503
    what_to_do = "Look at the machines of the cluster, then train again; training on one machine needs none."


class PartUnreadable(ClusterError):
    """A part of the log that was written for this training cannot be read again."""

    code = "part_unreadable"
    title = "A part of the log cannot be read"
    what_to_do = "Look at the machines of the cluster, then train again."
