experiment-answer-none = Kein Versuch läuft. Starten Sie einen, um herauszufinden, welche Variante besser ist.
experiment-answer-one = „{ $name }“: { $verdict }
experiment-answer-more = „{ $name }“: { $verdict } { $others ->
    [one] Ein weiterer Versuch läuft.
   *[other] { $others } weitere Versuche laufen.
  }
experiment-amount-value = { $amount } je Besuch
experiment-amount-share = { $amount } von 100 Besuchen
experiment-better = Variante { $variant } ist besser: { $difference } ({ $low } bis { $high }).
experiment-worse = Keine Variante ist besser als A. Die beste der anderen, Variante { $variant }, bringt { $difference } ({ $low } bis { $high }).
experiment-same = Kein Unterschied, auf den es ankommt: Variante { $variant } bringt { $difference } ({ $low } bis { $high }).
experiment-open = Noch kein Urteil, etwa { NUMBER($visits) } weitere Besuche ({ $days ->
    [one] etwa ein Tag
   *[other] etwa { NUMBER($days) } Tage
  }). Bisher bringt Variante { $variant } { $difference } ({ $low } bis { $high }).
experiment-open-far = Kein Urteil in Sicht. Bisher bringt Variante { $variant } { $difference } ({ $low } bis { $high }).
experiment-few-customers = Noch kein Urteil: Variante { $variant } braucht noch { $missing ->
    [one] eine Kundin oder einen Kunden
   *[other] { NUMBER($missing) } Kundinnen und Kunden
  }.
experiment-few-rewards = Noch kein Urteil: zu wenige Besuche hatten Erfolg. Nötig sind { NUMBER($missing) } Kundinnen und Kunden mit einem Erfolg.
experiment-empty = An diesem Versuch hat noch niemand teilgenommen.
experiment-ratio = Kein Urteil: Die Kundschaft ist nicht so aufgeteilt wie geplant ({ $found } statt { $planned }). Das ist kein Zufall. Beenden Sie den Versuch und suchen Sie den Grund: Oft fällt eine Variante aus oder ist zu langsam, sodass ihre Besuche nicht zählen.
experiment-ratio-fine = Die Kundschaft ist aufgeteilt wie geplant: { $found }, geplant war { $planned }.
experiment-ratio-empty = Ob die Aufteilung stimmt, zeigt sich, sobald jemand teilgenommen hat.
experiment-draft = Das ist ein Entwurf. Noch sieht ihn niemand.
experiment-later = Er beginnt am { $date }.
experiment-vanished = Variante { $variant } kann nicht mehr gezeigt werden. Wer darin war, bekommt Variante A; seitdem wird niemand mehr gezählt.
experiment-decided = Variante { $variant } wurde zur Regel gemacht.
experiment-no-change = Er endete ohne Änderung.
experiment-cost-none = Was das Ausprobieren kostet, zeigt sich, sobald jede Variante 50 Kundinnen und Kunden hat.
experiment-cost-value = Das Ausprobieren hat bisher etwa { $amount } gekostet ({ $low } bis { $high }): so viel mehr wäre es mit Variante { $variant } für alle.
experiment-cost-share = Das Ausprobieren hat bisher etwa { $amount } erfolgreiche Besuche gekostet ({ $low } bis { $high }): so viele mehr wären es mit Variante { $variant } für alle.
experiment-guards-fine = Nichts wurde schlechter: Besuche, die mit einer Bestellung enden, „Das bin ich nicht“, Zeit bis zur Antwort.
experiment-guard-completed = Variante { $variant }: Weniger Besuche enden mit einer Bestellung oder Fahrt ({ $mean }, in Variante A { $control }).
experiment-guard-not_me = Variante { $variant }: Häufiger sagt jemand „Das bin ich nicht“ ({ $mean }, in Variante A { $control }).
experiment-guard-answer_ms = Variante { $variant }: Antworten dauern länger ({ $mean } ms, in Variante A { $control } ms).
experiment-takes = Bei Ihrem Andrang dauert das etwa { $days ->
    [one] einen Tag
   *[other] { NUMBER($days) } Tage
  } ({ NUMBER($visits) } Besuche).
experiment-takes-assumed = Bei Ihrem Andrang dauert das etwa { $days ->
    [one] einen Tag
   *[other] { NUMBER($days) } Tage
  } ({ NUMBER($visits) } Besuche). Angenommen ist, dass { $share } der Besuche Erfolg haben; gemessen hat das noch niemand.
experiment-takes-long = Bei Ihrem Andrang dauert das länger als zehn Jahre. Suchen Sie nach einem größeren Unterschied oder lassen Sie mehr Kundschaft teilnehmen.
experiment-takes-nobody = In den letzten 28 Tagen kam niemand, der erkannt wurde; so lässt sich die Dauer nicht schätzen.
experiment-as-it-is = so wie jetzt
experiment-kind-model = Version { $version }
experiment-kind-rules = Regeln { $document }
experiment-kind-offers = andere Einstellungen der Angebote
experiment-kind-off = ohne { $names }
experiment-wrong-scene = Wählen Sie eine Szene.
experiment-wrong-metric = Wählen Sie, was entscheidet. Nicht jedes Maß passt zu jeder Szene.
experiment-wrong-effect = Geben Sie eine Zahl über 0 an; ein Anteil ist höchstens 50 von 100.
experiment-wrong-traffic = Zwischen 1 % und 100 % der Kundschaft nehmen teil.
experiment-wrong-end = Das Ende muss nach dem Beginn liegen.
experiment-wrong-moment = Geben Sie einen Zeitpunkt an.
experiment-wrong-text = Ein Text mit höchstens { $most } Zeichen; der Name ist nötig.
experiment-wrong-variants = Nötig sind zwei bis { $most } Varianten.
experiment-wrong-shares = Die Anteile müssen zusammen 100 % ergeben, jeder mindestens { $least } %.
experiment-wrong-same = Zwei Varianten sind gleich.
experiment-wrong-kind = Das kann sich in dieser Szene nicht unterscheiden.
experiment-wrong-needed = Wählen Sie etwas aus.
experiment-wrong-offers = Ändern Sie eine Einstellung, oder wählen Sie ein Angebot, das wegfällt.
experiment-wrong-setting = { $name } muss zwischen { $low } und { $high } liegen, oder darf gar nicht abweichen.
experiment-missing-model = Die Version { $name } gibt es nicht mehr.
experiment-missing-rules = Ein veröffentlichtes Regelwerk { $name } gibt es nicht.
experiment-missing-offers = Ein laufendes Angebot { $name } gibt es nicht.
experiment-few = weniger als 10
experiment-of-all-sites = Die Zahlen sind Summen aller Standorte, und Ihr Konto gilt nur für einige. Wer alle Standorte sehen darf, kann Auskunft geben.
