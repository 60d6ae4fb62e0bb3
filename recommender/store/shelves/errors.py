"""What can go wrong with the place where versions lie."""

from __future__ import annotations

from recommender.errors import RecommenderError, TrainingError


class CurrentChanged(TrainingError):
    """Two publish at once, or somebody goes back from what is not current any more: the first one wins."""

    code = "current_changed"
    status = 409
    title = "Another version was made current meanwhile"
    what_to_do = "Read the versions again, then decide anew."

    def __init__(self, current: str | None, kept: str | None = None) -> None:
        now = f"The version {current} is current now" if current else "Something else is current now"
        ours = f" The version {kept} is kept and not served: usual rollback serves it." if kept else ""
        super().__init__(f"{now}, and stays so.{ours} See usual versions, and try again if you still want to.")
        self.current = current
        self.kept = kept


class VersionsUnusable(TrainingError):
    """A place for versions that must not be used: its setting is wrong, or it cannot do what is needed."""

    code = "versions_unusable"
    status = 500
    title = "USUAL_VERSIONS cannot be used"
    what_to_do = "Mend USUAL_VERSIONS as the reply says."


class VersionsUnreachable(RecommenderError, OSError):
    """The bucket with the versions does not answer. What was served goes on."""

    code = "versions_unreachable"
    status = 503
    title = "The object storage with the versions cannot be reached"
    says = "What was served before is served on. Check the line, the address and the credentials, and try again."
    retry_after = 10


class VersionsDenied(VersionsUnreachable):
    """The bucket with the versions answers, and refuses."""

    code = "versions_denied"
    title = "The object storage refuses access to the versions"
    says = (
        "Check the bucket's name, the credentials in the environment (for S3 AWS_ACCESS_KEY_ID,"
        " AWS_SECRET_ACCESS_KEY and AWS_REGION) and the right to read, write, list and delete."
    )


class VersionChanged(RecommenderError, OSError):
    """Another process rewrote or deleted the version meanwhile. It is as that process left it."""

    code = "version_changed"
    status = 503
    title = "Somebody else rewrites this version"
    what_to_do = "Read the versions again."
    retry_after = 1
