recognition-well = Recognition works. At most { NUMBER($share, maximumFractionDigits: 2) } of 100 strangers may be greeted by mistake.
recognition-demo = Recognition works with { $pack }, which is for demonstrations only. Choose a production pack before you serve customers.
recognition-nobody = Nobody is recognised yet: there is no threshold that keeps the promise. Run “usual calibrate”; until then everybody is a guest.
recognition-path-same = Customers are recognised at once, whichever way they enrolled: strangers score alike in pictures and in vectors of devices.
recognition-path-differ = Some customers have to enrol again: strangers score differently in pictures and in vectors of devices, so the higher threshold holds for both. Leave the device on what it sent before, or let it offer enrolment to whoever it does not recognise.
recognition-path-unknown = Whether customers are recognised at once is not known: too few strangers were measured both ways. Measure two hundred people who are no customers, as docs/kiosk.md says under “Measuring strangers” (“usual calibrate --images”, then “usual calibrate --vectors”). Until then nobody is greeted wrongly more often than promised, and who is not recognised enrols again.
recognition-overdue = { $n ->
    [one] One erasure has waited for the recommender for more than a minute.
   *[other] { $n } erasures have waited for the recommender for more than a minute.
 }
promises-kept = { $erased ->
    [0] All promises are kept. Nobody has asked to be erased so far.
    [one] All promises are kept. One customer was erased, everywhere.
   *[other] All promises are kept. { $erased } customers were erased, everywhere.
 }
promises-open = { $n ->
    [one] One of { $erased } erasures waits for a training; the customer is not recognised any more.
   *[other] { $n } of { $erased } erasures wait for a training; the customers are not recognised any more.
 }
promises-held = { $n ->
    [one] One opt-out waits for a member of staff: the face could be one of several. All of them are paused.
   *[other] { $n } opt-outs wait for a member of staff: the face could be one of several. All of them are paused.
 }
promises-late = { $n ->
    [one] One erasure is late. Look at the table for what it waits for.
   *[other] { $n } erasures are late. Look at the table for what they wait for.
 }
