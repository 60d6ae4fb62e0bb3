earn-span = between { $low } and { $high }
earn-holdout = { $share } of your customers are never shown an offer. What they spend shows what would have happened without offers; the difference is what the offers brought.
earn-nothing-decided = No offer has been decided about yet. It begins with the first customer who agreed to offers.
earn-all-open = Nothing can be said yet: for { $n ->
    [one] the one visit
   *[other] all { $n } visits
} with a decision, spending still counts.
earn-too-few = No verdict yet: { $missing } more { $missing ->
    [one] customer
   *[other] customers
} { $group ->
    [offers] who may see offers
   *[no-offers] who never see offers
} are needed. Each group needs { $least }.
earn-offers-certain = Offers earned { $amount } { $direction } { $value } per visit than showing none; that is certain ({ $span }).
earn-offers-open = Offers earned { $amount } { $direction } { $value } per visit than showing none. No verdict yet ({ $span }): { $wait }.
earn-wait-unknown = no difference is in sight so far
earn-wait-next = the next visits decide
earn-wait-visits = about { $visits } more visits
earn-wait-days = about { $visits } more visits, { $days ->
    [one] a day
   *[other] { $days } days
}
earn-group-offers = may see offers
earn-group-no-offers = never see offers
earn-group = { $customers } customers { $name } and brought { $amount } { $value } per visit, over { $visits } visits.
earn-group-small = Fewer than 10 customers { $name }; not shown.
earn-one-certain = { $direction ->
    [more] It earns
   *[less] It loses
} { $amount } { $value } on each visit that sees it; that is certain ({ $span }).
earn-one-open = No verdict yet ({ $span }): { $wait }.
earn-one-too-few = No verdict yet: { $missing } more { $missing ->
    [one] customer is
   *[other] customers are
} needed.
earn-best-unknown = Which single offer earns most is not known yet.
earn-best-none = No single offer earns more than showing none so far.
earn-best-certain = “{ $name }” earns most of all single offers: { $amount } { $value } on each visit that sees it ({ $span }).
earn-best-so-far = “{ $name }” leads so far with { $amount } { $value } on each visit that sees it ({ $span }); it is not certain that it is the best.
earn-ratio-fine = { $held } of { $customers } customers never see offers, { $share } where { $meant } were meant; that is within chance.
earn-ratio-broken = { $held } of { $customers } customers never see offers, { $share } where { $meant } were meant; that is not chance: do not trust the figures until the reason is found.
earn-single-unknown = It is known after the first training.
earn-single-same = The best single offer is what is shown now, so both earn the same.
earn-single-certain = The present way to choose earns { $amount } { $direction } { $value } per visit than always showing the best single offer; that is certain ({ $span }).
earn-single-open = The present way to choose earns { $amount } { $direction } { $value } per visit than always showing the best single offer. No verdict yet ({ $span }): { $wait }.
earn-exploring-unknown = { $share } of the visits try something else; what that costs is not known yet.
earn-exploring = Trying something else on { $share } of the visits costs { $amount } per visit. It is how you notice when another offer becomes the better one.
earn-way-learned = The present way to choose
earn-way-none = No offer at all
earn-way-single = Always the best single offer
earn-what-if-unknown = What other ways would have earned is known after the first training.
earn-what-if = On these visits one way would have earned most, { $amount } { $value } per visit: { $way }.
earn-what-if-weak = { $weak } of { $all } figures rest on fewer than { $least } comparable visits: read them as hints.
earn-whom = On the most promising tenth of the visits the best offer gains { $top }, on the least promising { $last }.
earn-whom-fifth = A fifth of the visits, well chosen, brings { $share } of all gain.
earn-whom-unknown = Whom offers move is not known yet: { $missing ->
    [0] more visits with and without an offer
   *[other] { $missing } more finished visits
} are needed.
earn-policy-none = Nothing is learned yet: every offer has its turn until enough is known.
earn-policy-best-single = The best single offer is shown to everybody: choosing by customer is not proven to earn more.
earn-policy-in-turn = Every offer has its turn; those that earn more are shown more often.
earn-policy-whom = Offers are shown to those whom they move; those that earn more are shown more often.
earn-counted = { $decisions } visits are counted. For { $open } more, spending still counts; they are unknown, not nothing.
earn-redemptions = { $aware } redemptions came after the offer was seen. { $blind } came without, and earn the offer no credit.
earn-counting = The figures are being counted for the first time; this page shows them in a few minutes.
