"""What can go wrong where a provider of the house signs people in."""

from __future__ import annotations

from plumbing.problem import Problem


class ProviderAway(Problem):
    """The sign-in service of the house does not answer."""

    code = "provider_away"
    status = 503
    title = "The sign-in service does not answer"
    says = "Try again in a minute, or sign in with your password."
    retry_after = 60


class ProviderRefused(Problem):
    """The sign-in service refused, or what it sent is not good."""

    code = "provider_refused"
    status = 403
    title = "The sign-in service did not let you in"
    says = "Try again. If it does not work, ask your operator to look at the settings of the sign-in service."
    security_event = "sign_in_refused"


class NotInvited(Problem):
    """The sign-in service knows this person, and the desk does not."""

    code = "not_invited"
    status = 403
    title = "The desk does not know you yet"
    says = "Ask a colleague for an invitation, open its link, and sign in from there."
    security_event = "sign_in_refused"


class PasswordsOff(Problem):
    """This house signs people in with its own service only."""

    code = "passwords_off"
    status = 403
    title = "Passwords are not used here"
    says = "Use the button of your sign-in service."


class ProviderMissing(Problem):
    """No sign-in service is set up."""

    code = "provider_missing"
    status = 404
    title = "There is no sign-in service"
    says = "Sign in with your name and password."
