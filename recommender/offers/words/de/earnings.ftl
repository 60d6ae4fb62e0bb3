earn-span = zwischen { $low } und { $high }
earn-holdout = { $share } Ihrer Gäste sehen nie ein Angebot. Was sie ausgeben, zeigt, was ohne Angebote geschehen wäre; der Unterschied ist, was die Angebote gebracht haben.
earn-nothing-decided = Über kein Angebot wurde bisher entschieden. Es beginnt mit dem ersten Gast, der Angeboten zugestimmt hat.
earn-all-open = Noch lässt sich nichts sagen: { $n ->
    [one] Bei dem einen Besuch
   *[other] Bei allen { $n } Besuchen
} mit einer Entscheidung läuft die Zeit noch, in der Ausgaben zählen.
earn-too-few = Noch kein Urteil: Es { $missing ->
    [one] fehlt noch ein Gast
   *[other] fehlen noch { $missing } Gäste
} { $group ->
    [offers] mit Angeboten
   *[no-offers] ohne Angebote
}. Jede Gruppe braucht { $least }.
earn-offers-certain = Angebote brachten { $amount } { $direction ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch als keine Angebote; das ist sicher ({ $span }).
earn-offers-open = Angebote brachten { $amount } { $direction ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch als keine Angebote. Noch kein Urteil ({ $span }): { $wait }.
earn-wait-unknown = bisher ist kein Unterschied zu erkennen
earn-wait-next = die nächsten Besuche entscheiden
earn-wait-visits = etwa { $visits } weitere Besuche
earn-wait-days = etwa { $visits } weitere Besuche, { $days ->
    [one] ein Tag
   *[other] { $days } Tage
}
earn-group-offers = mit Angeboten
earn-group-no-offers = ohne Angebote
earn-group = { $customers } Gäste { $name } brachten { $amount } { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch, in { $visits } Besuchen.
earn-group-small = Weniger als 10 Gäste { $name }; nicht gezeigt.
earn-one-certain = { $direction ->
    [more] Es bringt
   *[less] Es kostet
} { $amount } { $value ->
    [margin] Marge
   *[revenue] Umsatz
} bei jedem Besuch, der es sieht; das ist sicher ({ $span }).
earn-one-open = Noch kein Urteil ({ $span }): { $wait }.
earn-one-too-few = Noch kein Urteil: Es { $missing ->
    [one] fehlt noch ein Gast
   *[other] fehlen noch { $missing } Gäste
}.
earn-best-unknown = Welches einzelne Angebot am meisten bringt, ist noch nicht bekannt.
earn-best-none = Bisher bringt kein einzelnes Angebot mehr als gar keines.
earn-best-certain = „{ $name }“ bringt von allen Angeboten am meisten: { $amount } { $value ->
    [margin] Marge
   *[revenue] Umsatz
} bei jedem Besuch, der es sieht ({ $span }).
earn-best-so-far = „{ $name }“ führt bisher mit { $amount } { $value ->
    [margin] Marge
   *[revenue] Umsatz
} bei jedem Besuch, der es sieht ({ $span }); dass es das beste ist, ist nicht sicher.
earn-ratio-fine = { $held } von { $customers } Gästen sehen nie Angebote, { $share } bei vorgesehenen { $meant }; das ist im Rahmen des Zufalls.
earn-ratio-broken = { $held } von { $customers } Gästen sehen nie Angebote, { $share } bei vorgesehenen { $meant }; das ist kein Zufall: Trauen Sie den Zahlen nicht, bis der Grund gefunden ist.
earn-single-unknown = Nach dem ersten Training ist es bekannt.
earn-single-same = Gezeigt wird gerade das beste einzelne Angebot, also bringen beide dasselbe.
earn-single-certain = Die heutige Auswahl bringt { $amount } { $direction ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch als immer das beste einzelne Angebot; das ist sicher ({ $span }).
earn-single-open = Die heutige Auswahl bringt { $amount } { $direction ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch als immer das beste einzelne Angebot. Noch kein Urteil ({ $span }): { $wait }.
earn-exploring-unknown = { $share } der Besuche probieren etwas anderes; was das kostet, ist noch nicht bekannt.
earn-exploring = Bei { $share } der Besuche etwas anderes zu probieren kostet { $amount } pro Besuch. So merken Sie, wenn ein anderes Angebot besser wird.
earn-way-learned = die heutige Auswahl
earn-way-none = gar kein Angebot
earn-way-single = immer das beste einzelne Angebot
earn-what-if-unknown = Was andere Wege gebracht hätten, ist nach dem ersten Training bekannt.
earn-what-if = Bei diesen Besuchen hätte ein Weg am meisten gebracht, { $amount } { $value ->
    [margin] Marge
   *[revenue] Umsatz
} pro Besuch: { $way }.
earn-what-if-weak = { $weak } von { $all } Zahlen beruhen auf weniger als { $least } vergleichbaren Besuchen: Sie sind nur Hinweise.
earn-whom = Im aussichtsreichsten Zehntel der Besuche bringt das beste Angebot { $top }, im aussichtslosesten { $last }.
earn-whom-fifth = Ein Fünftel der Besuche, gut gewählt, bringt { $share } des ganzen Gewinns.
earn-whom-unknown = Wen Angebote bewegen, ist noch nicht bekannt: Es { $missing ->
    [0] fehlen Besuche mit und ohne Angebot
   *[other] fehlen { $missing } abgeschlossene Besuche
}.
earn-policy-none = Noch ist nichts gelernt: Jedes Angebot kommt an die Reihe, bis genug bekannt ist.
earn-policy-best-single = Allen wird das beste einzelne Angebot gezeigt: Dass eine Auswahl nach Gast mehr bringt, ist nicht bewiesen.
earn-policy-in-turn = Jedes Angebot kommt an die Reihe; was mehr bringt, wird öfter gezeigt.
earn-policy-whom = Angebote sehen die Gäste, die sie bewegen; was mehr bringt, wird öfter gezeigt.
earn-counted = { $decisions } Besuche sind gezählt. Bei { $open } weiteren läuft die Zeit noch, in der Ausgaben zählen; sie sind unbekannt, nicht null.
earn-redemptions = { $aware } Einlösungen kamen, nachdem das Angebot gesehen wurde. { $blind } kamen ohne und werden dem Angebot nicht angerechnet.
earn-counting = Die Zahlen werden zum ersten Mal gezählt; in wenigen Minuten stehen sie hier.
