offer-state-draft = Entwurf
offer-state-scheduled = Geplant
offer-state-running = Läuft
offer-state-paused = Pausiert
offer-state-ended = Beendet
offer-why-draft = Niemand sieht es, bis Sie es starten.
offer-why-ended = Jemand hat es beendet.
offer-why-over = Sein letzter Tag war der { $day }.
offer-why-used-up = Sein Budget ist aufgebraucht.
offer-why-paused = Jemand hat es pausiert.
offer-why-no-site = Keinen seiner Standorte gibt es: { $sites }.
offer-why-no-dish = Nichts, wofür es gilt, steht gerade auf der Karte.
offer-why-reserved = Der Rest des Budgets ist für Gäste reserviert, die es gesehen haben.
offer-why-never = Es bleibt kein Tag, an dem es gezeigt würde.
offer-why-scheduled = Es wird ab { $day }, { $time } Uhr gezeigt.
offer-why-running = Gäste können es jetzt sehen.
offer-warns-sites = Diese Standorte gibt es nicht: { $names }.
offer-warns-items = Diese Gerichte sind gerade nicht bestellbar: { $names }.
offer-warns-categories = Aus diesen Kategorien ist gerade nichts bestellbar: { $names }.
offer-warns-no-discount = Es sagt nicht, was der Gast bekommt; keine Kasse kann es anwenden.
offers-none = Es gibt noch kein Angebot. Schreiben Sie das erste, oder importieren Sie eine Datei.
offers-counts = { $running ->
    [0] Kein Angebot läuft
    [one] Ein Angebot läuft
   *[other] { $running } Angebote laufen
}, { $waiting } { $waiting ->
    [one] wartet
   *[other] warten
}, { $ended } sind beendet; { $redeemed } { $redeemed ->
    [one] Einlösung hat
   *[other] Einlösungen haben
} bisher { $cost } gekostet.
offer-refused = { $n } { $n ->
    [one] Einlösung wurde
   *[other] Einlösungen wurden
} abgelehnt: { $causes }.
offer-refused-cause = { $n } × { $cause ->
    [below_minimum_spend] unter dem Mindestbetrag
    [redemption_of_other_items] nichts dabei, wofür es gilt
    [redeemed_before] schon eingelöst
    [offer_ended] das Angebot war beendet
    [offer_of_another_site] an einem Standort, für den es nicht gilt
    [redemption_too_late] zu spät
    [redemption_of_another_offer] ein anderes Angebot war gezeigt
    [redemption_without_order] ohne Bestellung
   *[other] aus einem anderen Grund
}
