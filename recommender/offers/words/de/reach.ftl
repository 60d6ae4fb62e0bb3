reach-no-orders = Aus den letzten { $days } Tagen gibt es keine Bestellungen zum Schätzen.
reach-few = In den letzten { $days } Tagen kamen weniger als 10 erkannte Gäste, wann und wo es läuft.
reach-met = In den letzten { $days } Tagen passten etwa { $visits } Bestellungen in Zeit, Ort und Höhe, von etwa { $customers } erkannten Gästen und von unbekannten.
reach-rate-unknown = Wie viele es einlösen würden, ist nicht bekannt: Bisher wurden zu wenige Angebote gezeigt.
reach-rate = Nach den bisherigen Einlösungen ist in ebenso vielen Tagen mit { $low } bis { $high } Einlösungen zu rechnen.
