record-answer = { $who } changed { $what } { $ago }; { $changes ->
    [one] { $changes } change
   *[other] { $changes } changes
} in the last 7 days, { $refused ->
    [0] no refused sign-ins
    [one] { $refused } refused sign-in
   *[other] { $refused } refused sign-ins
}.
record-answer-none = Nobody changed anything in the last 7 days; { $refused ->
    [0] no refused sign-ins
    [one] { $refused } refused sign-in
   *[other] { $refused } refused sign-ins
}.
record-ago-now = just now
record-ago-minutes = { $n ->
    [one] { $n } minute ago
   *[other] { $n } minutes ago
}
record-ago-hours = { $n ->
    [one] { $n } hour ago
   *[other] { $n } hours ago
}
record-ago-days = { $n ->
    [one] { $n } day ago
   *[other] { $n } days ago
}
record-thing-offer = the offer { $name }
record-thing-offers = several offers
record-thing-item = the dish { $name }
record-thing-items = several dishes
record-thing-place = the place { $name }
record-thing-places = several places
record-thing-settings = the settings { $name }
record-thing-screens = the settings of the screens
record-thing-call = the call at { $name }
record-thing-sharing = the number of people behind what everybody sees
record-thing-schedule = the schedule
record-thing-version = the version in use ({ $name })
record-thing-training = a training ({ $name })
record-thing-rules = the rules { $name }
record-thing-draft = the draft { $name }
record-thing-experiment = the experiment { $name }
record-thing-customer = an erasure
record-thing-four-eyes = what needs a second person
record-thing-proposal = a waiting change: { $name }
record-thing-user = the user { $name }
record-thing-key = the key { $name }
record-thing-recovery-codes = the recovery codes of the own account
record-thing-export = an export
record-event-signed-in = signed in
record-event-signed-out = signed out
record-event-signed-out-everywhere = signed out everywhere
record-event-link-used = used an invitation
record-event-password-changed = changed the own password
record-event-code-app-on = set up the code app
record-event-code-app-off = removed the code app
record-event-paired = paired a screen
record-event-box-paired = paired a store box
record-event-key-revoked = ended a key
record-refused-key-refused = a wrong key
record-refused-scope-missing = something that the role does not allow
record-refused-sign-in-refused = a sign-in
record-refused-invitation-refused = an invitation that is not valid
record-refused-pairing-refused = a link for a screen that is not valid
record-refused-code-refused = a wrong code
record-refused-request-from-elsewhere = a request from another site
record-when = When
record-who = Who
record-what = What
record-how = How it ended
record-with = { $who }, approved by { $second }
record-nobody = Unknown
record-earlier = Before
record-later = After
record-field = What differs
record-differences = Show what changed
record-hidden = The values are for other roles.
record-no-values = Nothing more is kept of this.
record-times = { $what }, { $n } times in a minute
record-state-begun = under way
record-state-done = done
record-state-refused = refused ({ $why })
record-state-failed = failed ({ $why })
record-state-waiting = waits for a second person
record-state-unknown = not known: the server stopped
record-kind = Kind
record-kind-all = Everything
record-kind-change = Changes
record-kind-sign-in = Sign-ins
record-kind-refusal = Refused
record-kind-command = Commands of the operator
record-kind-approval = Approvals
record-everybody = Everybody
record-from = From
record-to = To
record-show = Show
record-older = Show older ones
record-file = Download the record (CSV)
record-empty = Nothing was changed in this period. Choose a longer one, or everybody.
record-table = Changes, latest first
waits-for-second = Not changed yet: a second person has to approve it on the page Record.
four-eyes-title = Two people for what matters
four-eyes-explained = What you choose here waits until a second person approves it. Turning it off needs a second person, too.
four-eyes-rollback = Going back to an earlier version
four-eyes-export = Downloading the record
four-eyes-settings = Changing settings
four-eyes-save = Save the choice
proposals-title = Waits for a second person
proposal-line = { $who } wants to change: { $what }
proposal-until = Waits until { $until }.
proposal-own = Your own change. Ask a colleague to approve it.
proposal-not-yours = Your role does not let you decide about this.
proposal-approve = Approve
proposal-refuse = Refuse
proposal-take-back = Take it back
proposal-waiting = Waits for a second person.
proposal-carrying-out = Is being carried out.
proposal-done = Approved and carried out.
proposal-approved = Approved: it can be downloaded once within a day.
proposal-refused = Refused. Nothing was changed.
proposal-failed = Could not be carried out. Nothing was changed.
proposal-outdated = Somebody changed the same thing meanwhile. Nothing was changed; propose it again.
proposal-expired = Nobody decided within a week. Nothing was changed.
again-title = Your session has ended
again-explained = Nothing you typed is lost. Sign in again, and your change is saved.
again-code = Code of your app
again-tab = Sign in in another tab
again-done = I have signed in: save now
again-other = You are signed in as somebody else now. Look at what you typed, and save again.
theirs = { $value } (what is stored now)
theirs-title = Somebody saved a change meanwhile. Theirs stands beside yours; save again to keep yours.
sign-in-with = Sign in with { $name }
sign-in-or = or
provider-done = You are signed in.
provider-go-on = Go on to the desk
provider-again = Back to the sign-in page
provider-provider-away = The sign-in service does not answer. Try again in a minute, or sign in with your password.
provider-provider-refused = The sign-in service did not let you in. Try again; if it does not work, ask your operator.
provider-provider-missing = There is no sign-in service here. Sign in with your name and password.
provider-not-invited = The desk does not know you yet. Ask a colleague for an invitation, open its link, and sign in from there.
provider-invitation-refused = This invitation is not valid any more. Ask for another one.
