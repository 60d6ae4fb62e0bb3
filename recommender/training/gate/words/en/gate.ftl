gate-first = Published: there was no version before it to compare with.
gate-better = Published: on { $n } new { $scene ->
    [destinations] rides
   *[other] orders
} it was better than the live version.
gate-as-good = Published: on { $n } new { $scene ->
    [destinations] rides
   *[other] orders
} it was as good as the live version.
gate-not-proven = Published: { $n } new { $scene ->
    [destinations] rides
   *[other] orders
} show no difference to the live version that could not be chance.
gate-few-new = Published: only { $n } { $scene ->
    [destinations] rides are
   *[other] orders are
} new since the last training. On { $scene ->
    [destinations] older rides
   *[other] older orders
}, some of which the live version knows, the new one is not worse.
gate-few = Published: only { $n } { $scene ->
    [destinations] rides
   *[other] orders
} could be compared, too few to say more. Everything else was checked.
gate-offers = Published: offers are compared with the best single offer, and with what visits spent before.
gate-unchanged = The log has not changed since version { $version }.
gate-held-back = Held back: version { $version } is pinned by { $who }. The new version is ready and goes through this gate again when the pin is taken away.
gate-rolled-back = Not published: it is the same as version { $version }, which was rolled back.
gate-worse = Not published: the live version is better. Of 100 points for right suggestions at the top of the list, the new one gets { $candidate } and the live one { $live }, on the same { $n } { $scene ->
    [destinations] rides
   *[other] orders
}.
gate-below = Not published: its { $metric } of { $value } is below counting's { $counting }. Plain counting suggests better.
gate-array = Not published: a part of the model ({ $name }) holds no finite number.
gate-no-figure = Not published: the evaluation gave no number for { $names }.
gate-unreadable = Not published: the model cannot be loaded ({ $error }).
gate-not-numbers = Not published: the model gives scores that are not numbers.
gate-menu = Not published: only { $percent } of 100 dishes or places on offer could be suggested.
gate-collapsed = Not published: nearly everybody would see the same. Two customers' suggestions differ in { $now } of 100 places; with the live version it is { $then }.
gate-slow = Not published: its slowest answers take { $times } times as long as those of the live version.
gate-shrunk = Not published: the log shrank from { $then } to { $now } lines since the last version. Import what is missing; if nothing is, accept the changed data.
gate-lost = Not published: of the { $then } lines that the last training read, only { $now } are there. Import what is missing; if nothing is, accept the changed data.
gate-fewer-customers = Not published: there were { $then } customers, now there are { $now } for the same time. Were several customers given one number? If it is right, accept the changed data.
gate-more-customers = Not published: there were { $then } customers, now there are { $now } for the same time. Did customers get a second number? If it is right, accept the changed data.
gate-site-gone = Not published: { $scene ->
    [destinations] rides from
   *[other] orders of
} { $n ->
    [one] a site are
   *[other] { $n } sites are
} missing ({ $sites }). Import them; if the site is closed and its history is deleted on purpose, accept the changed data.
gate-too-early = Not published: { $n } of { $lines } lines are dated before the year 2000. A clock or an export is wrong; correct the dates and import again.
gate-too-late = Not published: { $n } of { $lines } lines are dated in the future. A clock or an export is wrong; correct the dates and import again.
gate-older = Not published: the newest { $scene ->
    [destinations] ride is
   *[other] order is
} from { $now }; the last training knew { $scene ->
    [destinations] rides until
   *[other] orders until
} { $then }. Were the dates shifted? If it is right, accept the changed data.
gate-moved = Not published: { $percent } of 100 lines are older now than anything the last training read, and none were added. Were dates shifted? If it is right, accept the changed data.
gate-twice = Not published: { $percent } of 100 { $scene ->
    [destinations] rides repeat the same customer's ride shortly before. The same rides
   *[other] orders repeat the same customer's order shortly before, dish for dish. The same orders
} were probably imported twice.
gate-giant = Not published: one customer number has { $percent } of 100 lines. It is probably a till, a test account or a collective number; leave it out of the import.
gate-one-item = Not published: nearly every { $scene ->
    [destinations] ride goes to one single place
   *[other] order is of one single dish or place
}. The export probably lost the others.
gate-other-items = Not published: in { $percent } of 100 lines of the time before the last training stands something else than before. Were the numbers of { $scene ->
    [destinations] places mixed
   *[other] dishes mixed
} up? If they were only renamed, accept the changed data.
gate-other-sites = Not published: sites with { $percent } of 100 lines have other { $scene ->
    [destinations] rides now
   *[other] orders now
} than at the last training, for the same time. Were sites mixed up? If it is right, accept the changed data.
gate-swapped = Not published: what comes from { $site } looks like { $other } since the last training. Were two tills swapped? If it is right, accept the changed data.
gate-harder = Not published: customers' { $scene ->
    [destinations] rides no
   *[other] orders no
} longer fit their own history. Counting was right for { $then } of 100 points, now for { $now }. Customers or { $scene ->
    [destinations] places
   *[other] dishes
} were probably mixed up; look at the last import.
gate-easier = Not published: it looks too good. Counting was right for { $then } of 100 points, now for { $now }: the answers are probably in the log twice. Look at the last import.
gate-habits = Not published: of 100 lines, { $then } were { $scene ->
    [destinations] places where the customer had been before
   *[other] something that the customer had ordered before
}; for the same time it is { $now } now. { $scene ->
    [destinations] Customers or places
   *[other] Customers or dishes
} were probably mixed up, or { $scene ->
    [destinations] rides are
   *[other] orders are
} there twice; look at the last import.
gate-spending = Not published: without any offer a visit earned { $then } (in the smallest unit of money), now { $now }. Prices are probably wrong; look at the last import.
versions-went-back = Somebody went back to this version.
versions-renewed = Made again from the data of version { $version }, without the customers who were erased since.
versions-automatic = Usual went back by itself: customers took { $now } of 1000 suggestions of version { $version }, of the version before it they took { $then }. Unpin when you know why.
state-live = live
state-pinned = live, pinned
state-earlier = earlier
state-held_back = held back
state-refused = refused
state-rolled_back = rolled back
diff-answer = The first suggestion changed for { $first } of 100 customers, one of the first five for { $five }; for { $same } of 100 nothing changed.
diff-sampled = Counted for { $n } customers drawn at random of { $all }; the shares are right to within { $error } points.
diff-everybody = Counted for all { $n } customers.
diff-few = Fewer than 10 customers can be compared; nothing is shown.
gate-owed = Published: the version before had learned from customers who were forgotten since, and is replaced.
