scene-many = { $scene ->
    [orders] orders
    [destinations] rides
   *[offers] offers
}
baseline-words = { $baseline ->
    [best_single] the best single offer
   *[counting] counting what each customer chose
}
attention-count = { $act ->
    [0] Nothing needs your attention.
    [one] One thing needs your attention.
   *[other] { $act } things need your attention.
}
overview-answer = { $visits ->
    [one] One visit in this period
   *[other] { NUMBER($visits) } visits in this period
}; { $recognised ->
    [-1] too few were recognised to say how many
   *[other] { $recognised } of { $recognised_of } were recognised
}, and { $taken ->
    [-1] how often suggestions are taken is not known yet
   *[other] { $taken } of { $taken_of } took a suggestion
}{ $than ->
    [more] , more than on the same weekdays before
    [less] , fewer than on the same weekdays before
    [same] , about as many as on the same weekdays before
   *[unknown] {""}
}. { attention-count }
overview-few = Fewer visits in this period than may be shown; choose a longer period or all sites. { attention-count }
overview-only-orders = { NUMBER($orders) } orders in this period, and no screen has asked for suggestions. { attention-count }
overview-nothing = Nothing has happened in this period: no visits and no orders. { attention-count }
holdout-nothing = No offer has been decided about yet, so nothing can be compared.
holdout-few = What offers earn is not known yet: there are too few customers in one of the groups.
holdout-all-sites = What offers earn is measured for all sites together; ask somebody who sees all of them.
holdout-certain = Offers earned { $difference } { $sign ->
    [more] more
   *[less] less
} { $value ->
    [margin] margin
   *[revenue] revenue
} per visit than leaving people alone; that is certain (between { $low } and { $high }).
holdout-open = So far offers earned { $difference } { $sign ->
    [more] more
   *[less] less
} { $value ->
    [margin] margin
   *[revenue] revenue
} per visit than leaving people alone. No verdict yet (between { $low } and { $high }): { $visits ->
    [-1] no difference is in sight
    [0] the next visits decide
   *[other] about { NUMBER($visits) } more visits are needed
}.
attention-training-failed = The last training of { scene-many } failed; what was published before is still shown.
attention-training-lost = The last training of { scene-many } ended before it was done; what was published before is still shown.
attention-training-refused = The last training of { scene-many } was not published; the page of trainings says why.
attention-rolled-back = Usual went back to an earlier version of { scene-many } by itself: customers took { $now } of 1000 suggestions of version { $version }, and { $then } of the one before. It stays until you unpin it.
attention-budget = { $share ->
    [1] The budget of “{ $offer }” is used up.
   *[other] { NUMBER($share, style: "percent") } of the budget of “{ $offer }” is used.
}
attention-no-events = No orders have come in for { $days ->
    [one] a day
   *[other] { $days } days
}.
attention-site-silent = { $site } has sent no orders for { $days ->
    [one] a day
   *[other] { $days } days
}.
attention-import = The import of { $file } was refused: { $wrong ->
    [one] one row is wrong
   *[other] { NUMBER($wrong) } rows are wrong
}.
attention-untrained = There is enough to learn { scene-many } from, and no training has been published.
attention-acceptance-fell = Suggestions are taken less often than four weeks ago: { NUMBER($now, style: "percent") } instead of { NUMBER($before, style: "percent") }.
attention-unknown = Something needs attention; the desk shows it.
mail-subject-began = Usual: { $text }
mail-subject-ended = Usual, over: { $text }
mail-began =
    { $text }

    This is about { $tenant }. The overview of the desk shows what can be done.
    You get one more mail about it, when it is over.
mail-ended =
    This is over:
    { $text }

    It was about { $tenant }.
quality-no-version = Nothing has been learned about { scene-many } yet: customers see what they chose most often, guests what is popular.
quality-better-share = For { scene-many }, the first suggestion was right { $right } times out of 100; counting alone manages { $counting }. The model is better than counting, measured on { NUMBER($n) } { scene-many } that it had not seen.
quality-better = For { scene-many }, the model is better than { baseline-words }; a test on what it had not seen proves it.
quality-not-proven-share = For { scene-many }, suggestions are about as good as { baseline-words }: the first one is right { $right } times out of 100. More has not been proven.
quality-not-proven = For { scene-many }, suggestions are about as good as { baseline-words }; more has not been proven.
method-ranker = Learned order
method-ranker-with-counting = Learned order, with counting
method-ranker-with-neighbours = Learned order, with similar customers
method-counting = Counting
method-own-frequency = Each customer’s most frequent
method-kernel = Usual places at this time
method-popular = What is popular
method-best-single = The best single offer
method-learned = Learned choice of offers
method-other = { $name }
baseline-counting = Counting what each customer chose
baseline-best_single = The best single offer
missing-catalogue = There are no { $kind ->
    [place] places
   *[item] dishes
} in the catalogue yet. Import them first.
missing-customers = { $back ->
    [0] No customer has come back yet
    [one] One customer has at least two { scene-many }
   *[other] { NUMBER($back) } customers have at least two { scene-many }
}; { $more ->
    [one] one more is needed
   *[other] { NUMBER($more) } more are needed
} before a gain over counting can be proven.
suggestions-nothing = There is no catalogue yet, so there is nothing to suggest. Import dishes or places first.
data-answer = { $hours ->
    [-1] No order has come in for 90 days
    [0] The latest order is less than an hour old
    [one] The latest order is an hour old
   *[other] The latest order is { NUMBER($hours) } hours old
}. { $steps ->
    [0] There is enough data of every kind.
    [one] One thing would make suggestions better.
   *[other] { $steps } things would make suggestions better.
}
data-nothing = There are no orders yet. Import them, or let the screens send them.
data-next-catalogue = Import the menu (or the places): without it nothing can be suggested.
data-next-events = Import earlier orders, or let the screens and tills send them: suggestions begin with the first ones.
data-next-orders = { NUMBER($more) } more { scene-many } from customers with at least { $least } visits, and a gain over counting can usually be proven.
data-next-price = { $n ->
    [one] One dish has no price
   *[other] { NUMBER($n) } dishes have no price
}: they count as 0 in every figure of money.
data-next-category = { $n ->
    [one] One dish has no category
   *[other] { NUMBER($n) } dishes have no category
}: a new dish without one is suggested later than it could be.
data-next-allergens = { $n ->
    [one] For one dish no allergens are given
   *[other] For { NUMBER($n) } dishes no allergens are given
}: give them, or say that there are none, so that people who must avoid them see what is safe.
data-drift = { $weekday ->
    [0] Mondays
    [1] Tuesdays
    [2] Wednesdays
    [3] Thursdays
    [4] Fridays
    [5] Saturdays
   *[6] Sundays
} bring { $share } % of the orders now, and brought { $was } % in the eight weeks before.
attention-erasures = { $n ->
    [one] An erasure has not been finished
   *[other] { $n } erasures have not been finished
} in every place yet.
attention-screen-silent = The screen { $device } has not been used for { $days ->
    [one] a day
   *[other] { $days } days
}.
data-imports-of-all-sites = Imports are of the whole house: a file may hold all sites, and your account is for some of them. Somebody who may see all sites finds them here.
