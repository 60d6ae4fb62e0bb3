### Opting in: notice, boxes, the code that is handed out.

consent_title = Sollen wir Sie wiedererkennen?
consent_lead = Wählen Sie, wofür. Jede Wahl steht für sich, und Sie können sie hier jederzeit zurücknehmen.
purpose_orders = Meine üblichen Bestellungen
purpose_orders_text = Mir vorschlagen, was ich meistens bestelle und was mir gefallen könnte.
purpose_offers = Angebote
purpose_offers_text = Die Angebote auswählen, die zu mir passen. Die Preise sind für alle gleich.
purpose_destinations = Taxiziele
purpose_destinations_text = Mir Orte vorschlagen, zu denen ich fahre. Sie werden erst nach meiner PIN angezeigt.
consent_notice = Was mit Ihren Daten geschieht
consent_where = Verantwortlich: { $controller }. Kontakt: { $contact }.
notice_more = Alles lesen
notice_less = Weniger zeigen
consent_age = Ich bin { $age } oder älter.
consent_agree = Zustimmen, mit Gesicht
consent_agree_code = Zustimmen, ohne Gesicht
consent_no = Nein, danke
consent_missing_purpose = Bitte wählen Sie mindestens eines, oder gehen Sie zurück.
consent_missing_age = Bitte bestätigen Sie Ihr Alter, oder gehen Sie zurück.
earlier_open = Ich habe einen Code von früher
earlier_noted = Code von früher: notiert
earlier_label = Ihr Code von früher
earlier_text = Wurden Sie hier schon einmal wiedererkannt? Mit Ihrem Code bleiben Ihre üblichen Bestellungen und Ihre PIN. Sie erhalten einen neuen Code.
earlier_use = Mit diesem Code weiter
earlier_without = Ohne Code
earlier_unknown_title = Dieser Code ist nicht bekannt
earlier_unknown_text = Nichts wurde aufbewahrt. Bitte prüfen Sie Ihren Code von früher, oder machen Sie ohne ihn weiter.
enrol_failed = Das hat nicht geklappt. Nichts wurde aufbewahrt. Bitte versuchen Sie es später noch einmal.
receipt_title = Hier ist Ihr Code
receipt_text = Er beendet jederzeit alles, auch ohne Gesicht. Fotografieren Sie ihn oder schreiben Sie ihn auf.
receipt_text_code = Mit Ihrer PIN öffnet er Ihre Vorschläge, allein beendet er alles. Fotografieren Sie ihn oder schreiben Sie ihn auf.
receipt_seconds = { $seconds ->
    [one] Noch sind Sie nicht angemeldet. Bitte bestätigen Sie innerhalb von 1 Sekunde.
   *[other] Noch sind Sie nicht angemeldet. Bitte bestätigen Sie innerhalb von { $seconds } Sekunden.
}
receipt_have = Ich habe ihn
receipt_no = Nein, doch nicht
receipt_print = Drucken
receipt_qr = Ihr Code als QR-Code
receipt_signed = Signierter Beleg
receipt_failed = Das ist nicht angekommen. Bitte drücken Sie noch einmal.
joined_title = Wir erkennen Sie wieder
joined_text = Sie können es hier jederzeit beenden, mit Ihrem Gesicht oder mit Ihrem Code.
undone_title = Sie sind nicht angemeldet
undone_text = Nichts wurde aufbewahrt. Als Gast sind Sie jederzeit willkommen.
undone_soon = Ihre Anmeldung wird innerhalb einer Minute gelöscht. Als Gast sind Sie jederzeit willkommen.
undone_late = Die Zeit zum Bestätigen ist vorbei, deshalb wurde nichts aufbewahrt. Sie können sich jederzeit neu anmelden.
