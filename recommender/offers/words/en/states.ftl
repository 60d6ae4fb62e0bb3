offer-state-draft = Draft
offer-state-scheduled = Scheduled
offer-state-running = Running
offer-state-paused = Paused
offer-state-ended = Ended
offer-why-draft = Nobody sees it until you start it.
offer-why-ended = Somebody ended it.
offer-why-over = Its last day was { $day }.
offer-why-used-up = Its budget is used up.
offer-why-paused = Somebody paused it.
offer-why-no-site = None of its sites exists: { $sites }.
offer-why-no-dish = Nothing that it is for is on the menu now.
offer-why-reserved = All that is left of its budget is reserved for customers who have seen it.
offer-why-never = No day is left on which it would be shown.
offer-why-scheduled = It is shown from { $day }, { $time }.
offer-why-running = Customers can see it now.
offer-warns-sites = These sites do not exist: { $names }.
offer-warns-items = These dishes cannot be ordered now: { $names }.
offer-warns-categories = Nothing of these categories can be ordered now: { $names }.
offer-warns-no-discount = It does not say what the customer gets, so no till can apply it.
offers-none = There is no offer yet. Write the first one, or import a file.
offers-counts = { $running ->
    [0] No offer is running
    [one] 1 offer is running
   *[other] { $running } offers are running
}, { $waiting } { $waiting ->
    [one] waits
   *[other] wait
}, { $ended } ended; { $redeemed } { $redeemed ->
    [one] redemption has
   *[other] redemptions have
} cost { $cost } so far.
offer-refused = { $n } { $n ->
    [one] redemption was
   *[other] redemptions were
} refused: { $causes }.
offer-refused-cause = { $n } × { $cause ->
    [below_minimum_spend] below the minimum
    [redemption_of_other_items] nothing in it that the offer is for
    [redeemed_before] redeemed before
    [offer_ended] the offer had ended
    [offer_of_another_site] at a site that it is not for
    [redemption_too_late] too late
    [redemption_of_another_offer] another offer was shown
    [redemption_without_order] without an order
   *[other] for another reason
}
