"""What can go wrong with people who sign in."""

from __future__ import annotations

from plumbing.problem import Problem


class SignInRefused(Problem):
    """No such user, a wrong password, or a wrong code: the reply does not say which."""

    code = "sign_in_refused"
    status = 401
    title = "Not signed in"
    says = "The name, the password or the code is not right."


class NotProven(SignInRefused):
    """Somebody who is signed in typed a password or a code that is not theirs: the session goes on."""

    code = "not_proven"
    status = 403
    title = "This was not you"
    says = "The password or the code is not right. Nothing was changed."


class PersonNeeded(Problem):
    """An API key asks for what only a person has: a password, sessions."""

    code = "person_needed"
    status = 403
    title = "Only somebody who is signed in can do this"
    says = "A key has no password and no session. Sign in at the desk."


class CodeNeeded(Problem):
    """The password is right, and this person has a code app: its code, or a recovery code, is missing."""

    code = "code_needed"
    status = 401
    title = "A code is needed as well"
    says = "Send the six digits of the code app, or one of the recovery codes, as `code`."


class SignInPaused(Problem):
    """429: too many wrong passwords for a name or from an address. It ends by itself."""

    code = "sign_in_paused"
    status = 429
    title = "Too many attempts to sign in"
    security_event = "lock_out"
    what_to_do = "Wait as long as `Retry-After` says, or use the link of a colleague's invitation."

    def __init__(self, seconds: int) -> None:
        minutes = -(-seconds // 60)
        super().__init__(
            f"Too many attempts. Try again in {minutes} min, sign in in a browser in which you signed in earlier,"
            " or ask your operator for a new link: `usual people reset`."
        )
        self.retry_after = seconds


class UserNameTaken(Problem, ValueError):
    """A user with this name is there."""

    code = "user_name_taken"
    status = 409
    title = "There is a user with this name"
    says = "Choose another sign-in name, or reset that user's password: `usual people reset`."


class UserNameRefused(Problem, ValueError):
    """A text that is no sign-in name."""

    code = "user_name_refused"
    status = 422
    title = "This is no sign-in name"
    says = "A sign-in name has 1 to 100 letters, digits or signs and no space, such as an e-mail address."


class InvitationRefused(Problem):
    """An unknown, used or expired link."""

    code = "invitation_refused"
    status = 401
    title = "This link is not valid"
    says = "A link works once, for a week. Ask for another one."


class PasswordRefused(Problem, ValueError):
    """Too short, the sign-in name itself, or one of those that are guessed first."""

    code = "password_refused"
    status = 422
    title = "This password is not taken"
    says = "A password has at least 12 characters and is not the sign-in name."


class NoSuchUser(Problem):
    """No user of this name."""

    code = "no_such_user"
    status = 404
    title = "There is no such user"
    says = "`usual people list` shows them."


class NoSuchSession(Problem):
    """No session with this id, or it has ended."""

    code = "no_such_session"
    status = 404
    title = "There is no such session"
    says = "It has ended already."


class RoleRefused(Problem, ValueError):
    """A role that does not exist, or that the inviting person may not give."""

    code = "role_refused"
    status = 403
    title = "You cannot give this role"
    says = "Nobody gives a role with rights that they do not have."


class SitesRefused(Problem, ValueError):
    """Sites that the inviting person may not see, or names that are none."""

    code = "sites_refused"
    status = 403
    title = "You cannot give these sites"
    says = "Nobody gives sites that they may not see; choose at least one of your own."


class UserNotYours(Problem):
    """The other person has roles or sites that this one has not."""

    code = "user_not_yours"
    status = 403
    title = "You cannot change this person"
    says = "You can change people whose roles and sites you have yourself. Somebody who has them all can do it."


class LastOperator(Problem):
    """Without this person nobody could change the installation from the desk."""

    code = "last_operator"
    status = 409
    title = "This is the last operator"
    says = "Invite another operator first, and let them sign in once."


class UserNotInvited(Problem):
    """A new link is for somebody who has not signed in yet."""

    code = "user_not_invited"
    status = 409
    title = "This person has a password already"
    says = "Whoever has the machine makes a new link for them: `usual people reset`."


class SecondStepRefused(Problem):
    """A code app is there already, is not there, or the offer of one has ended."""

    code = "second_step_refused"
    status = 409
    title = "The code app was not changed"
    says = "Begin again: the offer of a code app lasts ten minutes."
