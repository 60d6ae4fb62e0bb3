experiment-answer-none = No experiment is running. Start one to find out which variant is better.
experiment-answer-one = “{ $name }”: { $verdict }
experiment-answer-more = “{ $name }”: { $verdict } { $others ->
    [one] One more is running.
   *[other] { $others } more are running.
  }
experiment-amount-value = { $amount } a visit
experiment-amount-share = { $amount } of 100 visits
experiment-better = Variant { $variant } is better: { $difference } ({ $low } to { $high }).
experiment-worse = Nothing is better than variant A. The best of the others, variant { $variant }, brings { $difference } ({ $low } to { $high }).
experiment-same = No difference that matters: variant { $variant } brings { $difference } ({ $low } to { $high }).
experiment-open = No verdict yet, about { NUMBER($visits) } more visits ({ $days ->
    [one] about one day
   *[other] about { NUMBER($days) } days
  }). So far variant { $variant } brings { $difference } ({ $low } to { $high }).
experiment-open-far = No verdict in sight. So far variant { $variant } brings { $difference } ({ $low } to { $high }).
experiment-few-customers = No verdict yet: variant { $variant } needs { $missing ->
    [one] one more customer
   *[other] { NUMBER($missing) } more customers
  }.
experiment-few-rewards = No verdict yet: too few visits had a success. { NUMBER($missing) } customers with one are needed.
experiment-empty = No customer has been in this experiment yet.
experiment-ratio = No verdict: the customers are not split as planned ({ $found } where { $planned } was planned). That is no chance. Stop it, and look for the reason: often one variant fails or is too slow, so that its visits are not counted.
experiment-ratio-fine = Customers are split as planned: { $found } where { $planned } was planned.
experiment-ratio-empty = Whether customers are split as planned is known once some have come.
experiment-draft = This is a draft. Nobody sees it yet.
experiment-later = It begins on { $date }.
experiment-vanished = Variant { $variant } cannot be shown any more. Everybody in it gets variant A, and nobody is counted from then on.
experiment-decided = Variant { $variant } was made the rule.
experiment-no-change = It ended without a change.
experiment-cost-none = What trying costs is known once each variant has 50 customers.
experiment-cost-value = Trying has cost about { $amount } so far ({ $low } to { $high }): that much more with variant { $variant } for everybody.
experiment-cost-share = Trying has cost about { $amount } successful visits so far ({ $low } to { $high }): that many more with variant { $variant } for everybody.
experiment-guards-fine = Nothing got worse: visits that end with an order, "not me", time to an answer.
experiment-guard-completed = Variant { $variant }: fewer visits end with an order or a ride ({ $mean }, in variant A { $control }).
experiment-guard-not_me = Variant { $variant }: more people say "not me" ({ $mean }, in variant A { $control }).
experiment-guard-answer_ms = Variant { $variant }: answers take longer ({ $mean } ms, in variant A { $control } ms).
experiment-takes = With your traffic this takes about { $days ->
    [one] one day
   *[other] { NUMBER($days) } days
  } ({ NUMBER($visits) } visits).
experiment-takes-assumed = With your traffic this takes about { $days ->
    [one] one day
   *[other] { NUMBER($days) } days
  } ({ NUMBER($visits) } visits). This assumes that { $share } of visits have a success; nobody has measured it yet.
experiment-takes-long = With your traffic this takes longer than ten years. Look for a larger effect, or let more customers take part.
experiment-takes-nobody = No recognised customer has come in the last 28 days, so nobody can say how long this takes.
experiment-as-it-is = as it is now
experiment-kind-model = version { $version }
experiment-kind-rules = rules { $document }
experiment-kind-offers = other settings of offers
experiment-kind-off = without { $names }
experiment-wrong-scene = Choose a scene.
experiment-wrong-metric = Choose what decides. Not every measure fits every scene.
experiment-wrong-effect = Give a number above 0; a share may be 50 of 100 at most.
experiment-wrong-traffic = Between 1 % and 100 % of the customers take part.
experiment-wrong-end = The end must be after the start.
experiment-wrong-moment = Give a moment.
experiment-wrong-text = A text of { $most } characters at most; the name is needed.
experiment-wrong-variants = Two to { $most } variants are needed.
experiment-wrong-shares = The shares must add up to 100 %, each at least { $least } %.
experiment-wrong-same = Two variants are the same.
experiment-wrong-kind = This cannot differ in this scene.
experiment-wrong-needed = Choose one.
experiment-wrong-offers = Change a setting, or choose an offer to leave out.
experiment-wrong-setting = { $name } must lie between { $low } and { $high }, or cannot differ at all.
experiment-missing-model = there is no version { $name } any more.
experiment-missing-rules = there is no published document of rules { $name }.
experiment-missing-offers = there is no running offer { $name }.
experiment-few = fewer than 10
experiment-of-all-sites = The figures are sums of all sites, and your account is for some of them. Somebody who may see all sites can tell you.
