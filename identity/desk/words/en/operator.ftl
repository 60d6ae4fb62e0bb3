recognition-well = Recognition works. At most { NUMBER($share, maximumFractionDigits: 2) } of 100 strangers may be greeted by mistake.
recognition-demo = Recognition works with { $pack }, which is for demonstrations only. Choose a production pack before you serve customers.
recognition-nobody = Nobody is recognised yet: there is no threshold that keeps the promise. Run “usual calibrate”; until then everybody is a guest.
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
