record-answer = { $who } hat { $ago } geändert: { $what }. In den letzten 7 Tagen { $changes ->
    [one] { $changes } Änderung
   *[other] { $changes } Änderungen
}, { $refused ->
    [0] keine abgewiesene Anmeldung
    [one] { $refused } abgewiesene Anmeldung
   *[other] { $refused } abgewiesene Anmeldungen
}.
record-answer-none = In den letzten 7 Tagen hat niemand etwas geändert; { $refused ->
    [0] keine abgewiesene Anmeldung
    [one] { $refused } abgewiesene Anmeldung
   *[other] { $refused } abgewiesene Anmeldungen
}.
record-ago-now = gerade eben
record-ago-minutes = { $n ->
    [one] vor { $n } Minute
   *[other] vor { $n } Minuten
}
record-ago-hours = { $n ->
    [one] vor { $n } Stunde
   *[other] vor { $n } Stunden
}
record-ago-days = { $n ->
    [one] vor { $n } Tag
   *[other] vor { $n } Tagen
}
record-thing-offer = das Angebot { $name }
record-thing-offers = mehrere Angebote
record-thing-item = das Gericht { $name }
record-thing-items = mehrere Gerichte
record-thing-place = der Ort { $name }
record-thing-places = mehrere Orte
record-thing-settings = die Einstellungen { $name }
record-thing-screens = die Einstellungen der Bildschirme
record-thing-call = den Ruf bei { $name }
record-thing-sharing = die Zahl der Menschen hinter dem, was alle sehen
record-thing-schedule = der Zeitplan
record-thing-version = die verwendete Version ({ $name })
record-thing-training = ein Training ({ $name })
record-thing-rules = die Regeln { $name }
record-thing-draft = der Entwurf { $name }
record-thing-experiment = das Experiment { $name }
record-thing-customer = eine Löschung
record-thing-four-eyes = wofür es eine zweite Person braucht
record-thing-proposal = eine wartende Änderung: { $name }
record-thing-user = das Konto { $name }
record-thing-key = der Schlüssel { $name }
record-thing-recovery-codes = die Ersatzcodes des eigenen Kontos
record-thing-export = ein Export
record-event-signed-in = angemeldet
record-event-signed-out = abgemeldet
record-event-signed-out-everywhere = überall abgemeldet
record-event-link-used = eine Einladung benutzt
record-event-password-changed = das eigene Passwort geändert
record-event-code-app-on = die Code-App eingerichtet
record-event-code-app-off = die Code-App entfernt
record-event-paired = einen Bildschirm gekoppelt
record-event-box-paired = eine Filial-Box gekoppelt
record-event-key-revoked = einen Schlüssel beendet
record-refused-key-refused = ein falscher Schlüssel
record-refused-scope-missing = etwas, das die Rolle nicht erlaubt
record-refused-sign-in-refused = eine Anmeldung
record-refused-invitation-refused = eine ungültige Einladung
record-refused-pairing-refused = ein ungültiger Link für einen Bildschirm
record-refused-code-refused = ein falscher Code
record-refused-request-from-elsewhere = eine Anfrage von einer fremden Seite
record-when = Wann
record-who = Wer
record-what = Was
record-how = Ergebnis
record-with = { $who }, genehmigt von { $second }
record-nobody = Unbekannt
record-earlier = Vorher
record-later = Nachher
record-field = Was sich unterscheidet
record-differences = Zeigen, was sich geändert hat
record-hidden = Die Werte sind für andere Rollen bestimmt.
record-no-values = Mehr ist hiervon nicht festgehalten.
record-times = { $what }, { $n }-mal in einer Minute
record-state-begun = läuft
record-state-done = ausgeführt
record-state-refused = abgewiesen ({ $why })
record-state-failed = fehlgeschlagen ({ $why })
record-state-waiting = wartet auf eine zweite Person
record-state-unknown = unbekannt: der Server wurde beendet
record-kind = Art
record-kind-all = Alles
record-kind-change = Änderungen
record-kind-sign-in = Anmeldungen
record-kind-refusal = Abgewiesenes
record-kind-command = Befehle des Betreibers
record-kind-approval = Genehmigungen
record-everybody = Alle
record-from = Von
record-to = Bis
record-show = Zeigen
record-older = Ältere zeigen
record-file = Protokoll herunterladen (CSV)
record-empty = In diesem Zeitraum wurde nichts geändert. Wählen Sie einen längeren oder alle Personen.
record-table = Änderungen, neueste zuerst
waits-for-second = Noch nicht geändert: Eine zweite Person muss es auf der Seite „Protokoll“ genehmigen.
four-eyes-title = Zwei Personen für Wichtiges
four-eyes-explained = Was Sie hier wählen, wartet, bis eine zweite Person es genehmigt. Auch das Abschalten braucht eine zweite Person.
four-eyes-rollback = Zu einer früheren Version zurückgehen
four-eyes-export = Das Protokoll herunterladen
four-eyes-settings = Einstellungen ändern
four-eyes-save = Auswahl speichern
proposals-title = Wartet auf eine zweite Person
proposal-line = { $who } möchte ändern: { $what }
proposal-until = Wartet bis { $until }.
proposal-own = Ihre eigene Änderung. Bitten Sie jemanden aus dem Team, sie zu genehmigen.
proposal-not-yours = Ihre Rolle erlaubt diese Entscheidung nicht.
proposal-approve = Genehmigen
proposal-refuse = Ablehnen
proposal-take-back = Zurücknehmen
proposal-waiting = Wartet auf eine zweite Person.
proposal-carrying-out = Wird gerade ausgeführt.
proposal-done = Genehmigt und ausgeführt.
proposal-approved = Genehmigt: Der Download ist innerhalb eines Tages einmal möglich.
proposal-refused = Abgelehnt. Es wurde nichts geändert.
proposal-failed = Konnte nicht ausgeführt werden. Es wurde nichts geändert.
proposal-outdated = Inzwischen hat jemand dasselbe geändert. Es wurde nichts geändert; bitte neu vorschlagen.
proposal-expired = Innerhalb einer Woche hat niemand entschieden. Es wurde nichts geändert.
again-title = Ihre Anmeldung ist abgelaufen
again-explained = Was Sie eingegeben haben, ist noch da. Melden Sie sich neu an, dann wird Ihre Änderung gespeichert.
again-code = Code Ihrer App
again-tab = In einem anderen Tab anmelden
again-done = Ich bin angemeldet: jetzt speichern
again-other = Sie sind jetzt als eine andere Person angemeldet. Prüfen Sie Ihre Eingaben und speichern Sie noch einmal.
theirs = { $value } (jetzt gespeichert)
theirs-title = Inzwischen hat jemand etwas gespeichert. Es steht neben Ihrem Text; speichern Sie noch einmal, um Ihren zu behalten.
sign-in-with = Mit { $name } anmelden
sign-in-or = oder
provider-done = Sie sind angemeldet.
provider-go-on = Weiter zum Desk
provider-again = Zurück zur Anmeldung
provider-provider-away = Der Anmeldedienst antwortet nicht. Versuchen Sie es in einer Minute wieder oder melden Sie sich mit Ihrem Passwort an.
provider-provider-refused = Der Anmeldedienst hat Sie nicht eingelassen. Versuchen Sie es noch einmal; hilft das nicht, fragen Sie den Betreiber.
provider-provider-missing = Hier gibt es keinen Anmeldedienst. Melden Sie sich mit Name und Passwort an.
provider-not-invited = Das Desk kennt Sie noch nicht. Bitten Sie um eine Einladung, öffnen Sie deren Link und melden Sie sich dort an.
provider-invitation-refused = Diese Einladung gilt nicht mehr. Bitten Sie um eine neue.
