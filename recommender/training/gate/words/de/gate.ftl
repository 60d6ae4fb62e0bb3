gate-first = Veröffentlicht: Es gab noch keine Version, mit der man sie vergleichen könnte.
gate-better = Veröffentlicht: Bei { $n } neuen { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} war sie besser als die laufende Version.
gate-as-good = Veröffentlicht: Bei { $n } neuen { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} war sie so gut wie die laufende Version.
gate-not-proven = Veröffentlicht: { $n } neue { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} zeigen keinen Unterschied zur laufenden Version, der nicht Zufall sein könnte.
gate-few-new = Veröffentlicht: Nur { $n } { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} sind seit dem letzten Training neu. Bei älteren, von denen die laufende Version einige kennt, ist die neue nicht schlechter.
gate-few = Veröffentlicht: Nur { $n } { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} ließen sich vergleichen, zu wenige für eine Aussage. Alles andere wurde geprüft.
gate-offers = Veröffentlicht: Angebote werden mit dem besten einzelnen Angebot verglichen und mit dem, was Besuche vorher einbrachten.
gate-unchanged = Die Daten sind seit Version { $version } unverändert.
gate-held-back = Zurückgehalten: Version { $version } ist angeheftet (von { $who }). Die neue Version liegt bereit und wird noch einmal geprüft, wenn die Anheftung gelöst wird.
gate-rolled-back = Nicht veröffentlicht: Sie gleicht der Version { $version }, die zurückgenommen wurde.
gate-worse = Nicht veröffentlicht: Die laufende Version ist besser. Von 100 Punkten für richtige Vorschläge oben in der Liste bekommt die neue { $candidate } und die laufende { $live }, bei denselben { $n } { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
}.
gate-below = Nicht veröffentlicht: { $metric } liegt mit { $value } unter dem Wert von { $counting }, den einfaches Zählen erreicht.
gate-array = Nicht veröffentlicht: Ein Teil des Modells ({ $name }) enthält keine gültige Zahl.
gate-no-figure = Nicht veröffentlicht: Die Auswertung ergab keine Zahl für { $names }.
gate-unreadable = Nicht veröffentlicht: Das Modell lässt sich nicht laden ({ $error }).
gate-not-numbers = Nicht veröffentlicht: Das Modell bewertet mit Werten, die keine Zahlen sind.
gate-menu = Nicht veröffentlicht: Nur { $percent } von 100 angebotenen Gerichten oder Orten könnten vorgeschlagen werden.
gate-collapsed = Nicht veröffentlicht: Fast alle würden dasselbe sehen. Die Vorschläge zweier Gäste unterscheiden sich an { $now } von 100 Stellen; bei der laufenden Version sind es { $then }.
gate-slow = Nicht veröffentlicht: Ihre langsamsten Antworten dauern { $times }-mal so lange wie die der laufenden Version.
gate-shrunk = Nicht veröffentlicht: Die Daten sind seit der letzten Version von { $then } auf { $now } Zeilen geschrumpft. Importieren Sie, was fehlt; wenn nichts fehlt, bestätigen Sie die geänderten Daten.
gate-lost = Nicht veröffentlicht: Von den { $then } Zeilen des letzten Trainings sind nur noch { $now } da. Importieren Sie, was fehlt; wenn nichts fehlt, bestätigen Sie die geänderten Daten.
gate-fewer-customers = Nicht veröffentlicht: Es waren { $then } Gäste, für dieselbe Zeit sind es jetzt { $now }. Haben mehrere Gäste eine gemeinsame Nummer bekommen? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-more-customers = Nicht veröffentlicht: Es waren { $then } Gäste, für dieselbe Zeit sind es jetzt { $now }. Haben Gäste eine zweite Nummer bekommen? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-site-gone = Nicht veröffentlicht: Es fehlen die { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} { $n ->
    [one] eines Standorts
   *[other] von { $n } Standorten
} ({ $sites }). Importieren Sie sie; wenn der Standort geschlossen und seine Daten absichtlich gelöscht sind, bestätigen Sie die geänderten Daten.
gate-too-early = Nicht veröffentlicht: { $n } von { $lines } Zeilen liegen vor dem Jahr 2000. Eine Uhr oder ein Export ist falsch; berichtigen Sie die Daten und importieren Sie noch einmal.
gate-too-late = Nicht veröffentlicht: { $n } von { $lines } Zeilen liegen in der Zukunft. Eine Uhr oder ein Export ist falsch; berichtigen Sie die Daten und importieren Sie noch einmal.
gate-older = Nicht veröffentlicht: Die neueste { $scene ->
    [destinations] Fahrt ist
   *[other] Bestellung ist
} vom { $now }; das letzte Training kannte { $scene ->
    [destinations] Fahrten bis
   *[other] Bestellungen bis
} { $then }. Wurden die Daten verschoben? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-moved = Nicht veröffentlicht: { $percent } von 100 Zeilen sind jetzt älter als alles, was das letzte Training las, und es kamen keine hinzu. Wurden Daten verschoben? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-twice = Nicht veröffentlicht: { $percent } von 100 { $scene ->
    [destinations] Fahrten wiederholen die kurz davor. Vermutlich wurden dieselben Fahrten
   *[other] Bestellungen wiederholen Gericht für Gericht die kurz davor. Vermutlich wurden dieselben Bestellungen
} zweimal importiert.
gate-giant = Nicht veröffentlicht: Eine einzige Gastnummer hat { $percent } von 100 Zeilen. Vermutlich ist es eine Kasse, ein Testkonto oder eine Sammelnummer; lassen Sie sie beim Import weg.
gate-one-item = Nicht veröffentlicht: Fast alle { $scene ->
    [destinations] Fahrten gehen zu einem einzigen Ort
   *[other] Bestellungen betreffen ein einziges Gericht oder einen Ort
}. Vermutlich gingen die anderen beim Export verloren.
gate-other-items = Nicht veröffentlicht: In { $percent } von 100 Zeilen aus der Zeit vor dem letzten Training steht jetzt etwas anderes. Wurden { $scene ->
    [destinations] Orts
   *[other] Gericht
}nummern vertauscht? Wenn sie nur neu benannt sind, bestätigen Sie die geänderten Daten.
gate-other-sites = Nicht veröffentlicht: Standorte mit { $percent } von 100 Zeilen haben für dieselbe Zeit jetzt andere { $scene ->
    [destinations] Fahrten
   *[other] Bestellungen
} als beim letzten Training. Wurden Standorte vertauscht? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-swapped = Nicht veröffentlicht: Was von { $site } kommt, sieht seit dem letzten Training aus wie { $other }. Wurden zwei Kassen vertauscht? Wenn es stimmt, bestätigen Sie die geänderten Daten.
gate-harder = Nicht veröffentlicht: Die { $scene ->
    [destinations] Fahrten passen nicht mehr zu dem, wohin die Gäste früher fuhren
   *[other] Bestellungen passen nicht mehr zu dem, was die Gäste früher bestellten
}. Zählen erreichte { $then } von 100 Punkten, jetzt { $now }. Vermutlich wurden Gäste oder { $scene ->
    [destinations] Orte
   *[other] Gerichte
} vertauscht; sehen Sie sich den letzten Import an.
gate-easier = Nicht veröffentlicht: Es ist zu gut, um wahr zu sein. Zählen erreichte { $then } von 100 Punkten, jetzt { $now }: Vermutlich stehen die Antworten doppelt in den Daten. Sehen Sie sich den letzten Import an.
gate-habits = Nicht veröffentlicht: Von 100 Zeilen waren { $then } { $scene ->
    [destinations] Orte, an denen der Gast schon einmal war
   *[other] etwas, das der Gast schon einmal bestellt hatte
}; für dieselbe Zeit sind es jetzt { $now }. Vermutlich wurden Gäste oder { $scene ->
    [destinations] Orte
   *[other] Gerichte
} vertauscht, oder { $scene ->
    [destinations] Fahrten sind
   *[other] Bestellungen sind
} doppelt da; sehen Sie sich den letzten Import an.
gate-spending = Nicht veröffentlicht: Ohne Angebot brachte ein Besuch { $then } ein (in der kleinsten Geldeinheit), jetzt { $now }. Vermutlich stimmen Preise nicht; sehen Sie sich den letzten Import an.
versions-went-back = Jemand ist zu dieser Version zurückgegangen.
versions-renewed = Neu erstellt aus den Daten der Version { $version }, ohne die Gäste, die seitdem gelöscht wurden.
versions-automatic = Usual ist von selbst zurückgegangen: Von 1000 Vorschlägen der Version { $version } nahmen Gäste { $now } an, bei der Version davor { $then }. Lösen Sie die Anheftung, wenn die Ursache bekannt ist.
state-live = läuft
state-pinned = läuft, angeheftet
state-earlier = früher
state-held_back = zurückgehalten
state-refused = abgelehnt
state-rolled_back = zurückgenommen
diff-answer = Der erste Vorschlag hat sich bei { $first } von 100 Gästen geändert, einer der ersten fünf bei { $five }; bei { $same } von 100 blieb alles gleich.
diff-sampled = Gezählt bei { $n } zufällig gezogenen von { $all } Gästen; die Anteile stimmen auf { $error } Punkte genau.
diff-everybody = Gezählt bei allen { $n } Gästen.
diff-few = Weniger als 10 Gäste lassen sich vergleichen; es wird nichts gezeigt.
gate-owed = Veröffentlicht: Die frühere Version hatte von Kunden gelernt, die seitdem vergessen wurden; sie ist ersetzt.
