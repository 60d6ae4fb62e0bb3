### The driver's screen.

driver_offline = Keine Verbindung. Was Sie sehen, kann alt sein.
driver_pairing_title = Bildschirm des Fahrers anmelden
driver_pairing_text = Geben Sie den Code ein, den das Tablet im Taxi zeigt, oder öffnen Sie den Link Ihres Betreibers.
driver_pairing_refused = Dieser Code gilt nicht mehr. Bitten Sie Ihren Betreiber um einen neuen.
driver_waiting_title = Gerade keine Fahrt
driver_waiting_text = Der Fahrgast in { $taxi } wählt, und das Ziel erscheint hier.
driver_of_none = Dieser Bildschirm gehört zu keinem Taxi mehr. Bitten Sie Ihren Betreiber um einen neuen Code.
driver_ride_title = Ihr Fahrgast möchte nach
driver_navigate = In der Navigation öffnen
driver_accept = Ich fahre los
driver_accepted = Ihr Fahrgast sieht, dass Sie unterwegs sind.
driver_over = Fahrt beendet
