### The driver's screen.

driver_offline = No connection. What you see may be old.
driver_pairing_title = Pair the driver's screen
driver_pairing_text = Type in the code that the taxi's tablet shows, or open the link from your operator.
driver_pairing_refused = This code does not work any more. Ask your operator for a new one.
driver_waiting_title = No ride at the moment
driver_waiting_text = The rider of { $taxi } chooses, and the place appears here.
driver_of_none = This screen belongs to no taxi any more. Ask your operator for a new code.
driver_ride_title = Your rider wants to go to
driver_navigate = Open in navigation
driver_accept = On my way
driver_accepted = Your rider sees that you are on the way.
driver_over = Ride over
