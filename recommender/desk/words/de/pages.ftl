scene-many = { $scene ->
    [orders] Bestellungen
    [destinations] Fahrten
   *[offers] Angebote
}
baseline-words = { $baseline ->
    [best_single] das beste einzelne Angebot
   *[counting] das bloße Zählen, was jeder Gast gewählt hat
}
attention-count = { $act ->
    [0] Nichts braucht Ihre Aufmerksamkeit.
    [one] Ein Punkt braucht Ihre Aufmerksamkeit.
   *[other] { $act } Punkte brauchen Ihre Aufmerksamkeit.
}
overview-answer = { $visits ->
    [one] Ein Besuch in diesem Zeitraum
   *[other] { NUMBER($visits) } Besuche in diesem Zeitraum
}; { $recognised ->
    [-1] erkannt wurden zu wenige, um eine Zahl zu nennen
   *[other] { $recognised } von { $recognised_of } wurden erkannt
}, und { $taken ->
    [-1] wie oft Vorschläge angenommen werden, ist noch nicht bekannt
   *[other] { $taken } von { $taken_of } nahmen einen Vorschlag an
}{ $than ->
    [more] , mehr als an denselben Wochentagen davor
    [less] , weniger als an denselben Wochentagen davor
    [same] , etwa so viele wie an denselben Wochentagen davor
   *[unknown] {""}
}. { attention-count }
overview-few = In diesem Zeitraum gab es weniger Besuche, als gezeigt werden dürfen; wählen Sie einen längeren Zeitraum oder alle Filialen. { attention-count }
overview-only-orders = { NUMBER($orders) } Bestellungen in diesem Zeitraum; kein Bildschirm hat Vorschläge angefragt. { attention-count }
overview-nothing = In diesem Zeitraum ist nichts geschehen: keine Besuche und keine Bestellungen. { attention-count }
holdout-nothing = Es wurde noch über kein Angebot entschieden, also lässt sich nichts vergleichen.
holdout-few = Was Angebote einbringen, ist noch nicht bekannt: In einer der Gruppen sind zu wenige Gäste.
holdout-all-sites = Was Angebote einbringen, wird für alle Filialen zusammen gemessen; fragen Sie jemanden, der alle sieht.
holdout-certain = Angebote brachten je Besuch { $difference } { $sign ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Deckungsbeitrag
   *[revenue] Umsatz
} als gar kein Angebot; das ist sicher (zwischen { $low } und { $high }).
holdout-open = Bisher brachten Angebote je Besuch { $difference } { $sign ->
    [more] mehr
   *[less] weniger
} { $value ->
    [margin] Deckungsbeitrag
   *[revenue] Umsatz
} als gar kein Angebot. Noch kein Urteil (zwischen { $low } und { $high }): { $visits ->
    [-1] ein Unterschied ist nicht in Sicht
    [0] die nächsten Besuche entscheiden
   *[other] etwa { NUMBER($visits) } weitere Besuche sind nötig
}.
attention-training-failed = Das letzte Training für { scene-many } ist fehlgeschlagen; gezeigt wird weiter, was davor veröffentlicht war.
attention-training-lost = Das letzte Training für { scene-many } brach ab; gezeigt wird weiter, was davor veröffentlicht war.
attention-training-refused = Das letzte Training für { scene-many } wurde nicht veröffentlicht; die Seite der Trainings nennt den Grund.
attention-rolled-back = Usual ist bei { scene-many } von selbst zu einer früheren Version zurückgegangen: Von 1000 Vorschlägen der Version { $version } nahmen Gäste { $now } an, bei der Version davor { $then }. Sie bleibt, bis Sie die Anheftung lösen.
attention-budget = { $share ->
    [1] Das Budget von „{ $offer }“ ist aufgebraucht.
   *[other] { NUMBER($share, style: "percent") } des Budgets von „{ $offer }“ sind verbraucht.
}
attention-no-events = Seit { $days ->
    [one] einem Tag
   *[other] { $days } Tagen
} sind keine Bestellungen eingegangen.
attention-site-silent = { $site } hat seit { $days ->
    [one] einem Tag
   *[other] { $days } Tagen
} keine Bestellungen gesendet.
attention-import = Der Import von { $file } wurde abgelehnt: { $wrong ->
    [one] eine Zeile ist falsch
   *[other] { NUMBER($wrong) } Zeilen sind falsch
}.
attention-untrained = Für { scene-many } gibt es genug zu lernen, und noch kein Training wurde veröffentlicht.
attention-acceptance-fell = Vorschläge werden seltener angenommen als vor vier Wochen: { NUMBER($now, style: "percent") } statt { NUMBER($before, style: "percent") }.
attention-unknown = Etwas braucht Aufmerksamkeit; der Schreibtisch zeigt es.
mail-subject-began = Usual: { $text }
mail-subject-ended = Usual, vorbei: { $text }
mail-began =
    { $text }

    Es geht um { $tenant }. Die Übersicht am Schreibtisch zeigt, was sich tun lässt.
    Sie bekommen dazu noch eine Mail, wenn es vorbei ist.
mail-ended =
    Das ist vorbei:
    { $text }

    Es ging um { $tenant }.
quality-no-version = Über { scene-many } ist noch nichts gelernt: Gäste mit Einwilligung sehen, was sie am häufigsten wählten, alle anderen, was beliebt ist.
quality-better-share = { scene-many }: Der erste Vorschlag traf in { $right } von 100 Fällen zu; das bloße Zählen schafft { $counting }. Das Modell ist besser als das Zählen, gemessen an { NUMBER($n) } Fällen, die es nicht kannte.
quality-better = { scene-many }: Das Modell ist besser als { baseline-words }; eine Prüfung an Fällen, die es nicht kannte, belegt das.
quality-not-proven-share = { scene-many }: Die Vorschläge sind etwa so gut wie { baseline-words }; der erste trifft in { $right } von 100 Fällen zu. Mehr ist nicht belegt.
quality-not-proven = { scene-many }: Die Vorschläge sind etwa so gut wie { baseline-words }; mehr ist nicht belegt.
method-ranker = Gelernte Reihenfolge
method-ranker-with-counting = Gelernte Reihenfolge, mit Zählen
method-ranker-with-neighbours = Gelernte Reihenfolge, mit ähnlichen Gästen
method-counting = Zählen
method-own-frequency = Das Häufigste jedes Gasts
method-kernel = Übliche Orte um diese Zeit
method-popular = Was beliebt ist
method-best-single = Das beste einzelne Angebot
method-learned = Gelernte Auswahl der Angebote
method-other = { $name }
baseline-counting = Zählen, was jeder Gast gewählt hat
baseline-best_single = Das beste einzelne Angebot
missing-catalogue = Im Katalog sind noch keine { $kind ->
    [place] Orte
   *[item] Speisen
}. Importieren Sie sie zuerst.
missing-customers = { $back ->
    [0] Noch kein Gast ist wiedergekommen
    [one] Ein Gast hat mindestens zwei { scene-many }
   *[other] { NUMBER($back) } Gäste haben mindestens zwei { scene-many }
}; { $more ->
    [one] einer fehlt noch
   *[other] { NUMBER($more) } fehlen noch
}, bevor ein Gewinn gegenüber dem Zählen belegt werden kann.
suggestions-nothing = Es gibt noch keinen Katalog, also nichts vorzuschlagen. Importieren Sie zuerst Speisen oder Orte.
data-answer = { $hours ->
    [-1] Seit 90 Tagen ist keine Bestellung eingegangen
    [0] Die letzte Bestellung ist keine Stunde alt
    [one] Die letzte Bestellung ist eine Stunde alt
   *[other] Die letzte Bestellung ist { NUMBER($hours) } Stunden alt
}. { $steps ->
    [0] Von allem gibt es genug Daten.
    [one] Ein Punkt würde die Vorschläge verbessern.
   *[other] { $steps } Punkte würden die Vorschläge verbessern.
}
data-nothing = Es gibt noch keine Bestellungen. Importieren Sie sie, oder lassen Sie die Bildschirme sie senden.
data-next-catalogue = Importieren Sie die Karte (oder die Orte): Ohne sie kann nichts vorgeschlagen werden.
data-next-events = Importieren Sie frühere Bestellungen, oder lassen Sie Bildschirme und Kassen sie senden: Vorschläge beginnen mit den ersten.
data-next-orders = Noch { NUMBER($more) } { scene-many } von Gästen mit mindestens { $least } Besuchen, dann lässt sich ein Gewinn gegenüber dem Zählen meist belegen.
data-next-price = { $n ->
    [one] Eine Speise hat keinen Preis
   *[other] { NUMBER($n) } Speisen haben keinen Preis
}: Sie zählen in jedem Geldbetrag als 0.
data-next-category = { $n ->
    [one] Eine Speise hat keine Kategorie
   *[other] { NUMBER($n) } Speisen haben keine Kategorie
}: Ohne sie wird eine neue Speise später vorgeschlagen, als es möglich wäre.
data-next-allergens = { $n ->
    [one] Für eine Speise sind keine Allergene angegeben
   *[other] Für { NUMBER($n) } Speisen sind keine Allergene angegeben
}: Geben Sie sie an, oder dass es keine gibt, damit Menschen, die sie meiden müssen, sehen, was sicher ist.
data-drift = { $weekday ->
    [0] Montage
    [1] Dienstage
    [2] Mittwoche
    [3] Donnerstage
    [4] Freitage
    [5] Samstage
   *[6] Sonntage
} bringen jetzt { $share } % der Bestellungen; in den acht Wochen davor waren es { $was } %.
attention-erasures = { $n ->
    [one] Eine Löschung ist
   *[other] { $n } Löschungen sind
} noch nicht an allen Orten abgeschlossen.
attention-screen-silent = Der Bildschirm { $device } wurde seit { $days ->
    [one] einem Tag
   *[other] { $days } Tagen
} nicht benutzt.
data-imports-of-all-sites = Importe betreffen das ganze Haus: Eine Datei kann alle Standorte enthalten, und Ihr Konto gilt nur für einige. Wer alle Standorte sehen darf, findet sie hier.
