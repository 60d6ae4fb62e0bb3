operations-no-devices = No device is set up yet. Make a link for the first screen with “usual keys pair kiosk”.
operations-well = Everything works: { $online } of { $devices } devices were active in the last 15 minutes.
operations-quiet = { $devices ->
    [one] The device has not called in the last 15 minutes. Nothing else needs attention.
   *[other] None of { $devices } devices has called in the last 15 minutes. Nothing else needs attention.
 }
operations-attention = { $n ->
    [one] One thing needs attention; { $online } of { $devices } devices were active in the last 15 minutes.
   *[other] { $n } things need attention; { $online } of { $devices } devices were active in the last 15 minutes.
 }
operations-disk = Only { $percent } % of the disk is free.
operations-silent = { $days ->
    [one] { $device } has not called for a day.
   *[other] { $device } has not called for { $days } days.
 }
operations-not-me = At { $device }, { $percent } % of those who were greeted said “not me”. Look at its camera and its light.
operations-clock-ahead = The clock of { $device } is { $seconds } seconds ahead. The screen uses the server's time; set the device's clock all the same.
operations-clock-behind = The clock of { $device } is { $seconds } seconds behind. The screen uses the server's time; set the device's clock all the same.
operations-failed = { $n ->
    [one] One request of { $device } failed on the server. The server's log says why.
   *[other] { $n } requests of { $device } failed on the server. The server's log says why.
 }
operations-daily-limit = { $n ->
    [one] A daily limit of vectors was reached at { $device }. Look who presses there, and whether the device is still yours.
   *[other] A daily limit of vectors was reached at { $device }, { $n } times. Look who presses there, and whether the device is still yours.
}
operations-sends = Sends
operations-sends-pictures = pictures
operations-sends-vectors = vectors
operations-sends-attested = vectors, attested
operations-needs = Needs attention
operations-calls = Somebody is wanted
operations-call-since = called { $ago }
operations-call-done = Done: somebody was there
operations-devices = Devices in the last 7 days
operations-device = Device
operations-site = Site
operations-page = Screen
operations-state = State
operations-state-online = active
operations-state-away = away
operations-state-silent = silent
operations-state-never = never seen
operations-seen = Last seen
operations-ago-now = just now
operations-ago-minutes = {$n} min ago
operations-ago-hours = {$n} h ago
operations-ago-days = {$n} days ago
operations-requests = Requests
operations-refused = Refused
operations-failed-column = Failed
operations-not-me-rate = “Not me”
operations-clock = Own clock
operations-clock-right = right
operations-clock-off = off by { $seconds } s
operations-p95 = 95 % answered within
operations-ms = {$n} ms
operations-decisions = Decisions of the matcher
operations-decision-matched = recognised
operations-decision-unknown = nobody known
operations-decision-ambiguous = not sure
operations-decision-by_code = by code
operations-few = Fewer than 10 decisions
operations-times = How long does each stage take?
operations-stage = Stage
operations-stage-count = Times measured
operations-stage-half = Half within
operations-stage-most = 95 % within
operations-packs = Engine packs
operations-pack = Pack
operations-vendor = Vendor
operations-licence = Licence
operations-grade = Made for
operations-grade-demo = demonstrations
operations-grade-production = production
operations-hash = Hash (SHA-256)
operations-gallery = People enrolled
operations-threshold = Threshold
operations-promise = Strangers greeted by mistake, at most
operations-disk-title = Disk
operations-disk-free = {$free} of {$total} GB are free.
operations-trainings = The last trainings
operations-elsewhere = Recognition runs in another process; its figures are at its own address.
customers-purposes = Consents by purpose
customers-purpose = Purpose
customers-agree = Agree now
customers-given = Given so far
customers-withdrawn = Withdrawn
customers-expired = Ended by themselves
customers-notices = Consents by notice
customers-notice = Notice
customers-erasures = Erasures
customers-receipt = Receipt
customers-day = Day
customers-state = State
customers-state-closed = done everywhere
customers-state-open = waits
customers-state-late = late
customers-waits-for = Waits for
customers-held = Opt-outs that a member of staff ends
customers-held-how = Ask the person for the code or the PIN, then run “usual identity held REFERENCE”.
customers-reference = Reference
customers-few = under 10
customers-record = Who looked at what and changed what: the record
customers-elsewhere = Identity runs in another process; its figures are at its own address.
operations-webhooks = Webhooks
operations-webhook-url = Address
operations-webhook-events = Gets
operations-webhook-lost = Never arrived
operations-webhook-again = Send again
operations-webhook-made = Made
operations-webhook-event = Event
operations-webhook-tries = Tries
operations-webhook-why = Why
operations-webhook-kept = Kept until
