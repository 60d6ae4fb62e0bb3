reach-no-orders = There are no orders of the last { $days } days to estimate from.
reach-few = Fewer than 10 recognised customers came when and where it runs, in the last { $days } days.
reach-met = In the last { $days } days about { $visits } orders were when and where it runs and large enough, by about { $customers } recognised customers and by guests.
reach-rate-unknown = How many would redeem it is not known: too few offers were shown so far.
reach-rate = By what was redeemed so far, between { $low } and { $high } redemptions may come in as many days.
