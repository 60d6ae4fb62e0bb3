### Code and PIN.

pin_choose = Wählen Sie eine PIN
pin_choose_text = Vier Ziffern, die nur Sie kennen. Orte werden nur damit gezeigt.
pin_optional_text = Eine PIN ist freiwillig: vier Ziffern, die nur Sie kennen. Mit ihr gilt Ihr Code anstelle Ihres Gesichts.
pin_code_text = Vier Ziffern, die nur Sie kennen. Mit Ihrem Code öffnen sie Ihre Vorschläge, ohne Gesicht.
pin_places_only = Sie haben nur Taxiziele gewählt, und die öffnen sich nur mit PIN. Bitte wählen Sie eine PIN, oder gehen Sie zurück und wählen Sie etwas anderes.
pin_repeat = Dieselbe PIN noch einmal
pin_differs = Das waren zwei verschiedene PINs. Bitte noch einmal.
pin_skip = Ohne PIN
pin_keep = Meine PIN so lassen
pin_keep_text = Ihre PIN von früher bleibt, falls Sie eine hatten. Sie können auch eine neue wählen: vier Ziffern, die nur Sie kennen.
pin_enter = Ihre PIN, bitte
pin_enter_text = Ein Gesicht allein zeigt keine Orte.
pin_enter_kiosk = Am Gesicht allein sind wir nicht sicher. Ihre PIN macht es sicher.
pin_forget_text = Die PIN vom Tag Ihrer Anmeldung. Sie stellt sicher, dass niemand sonst das für Sie beendet.
pin_forget_other = Ich weiß die PIN nicht
pin_by_code_text = Sie gehört zu Ihrem Code.
pin_use = Mit meiner PIN
pin_wrong = Das ist nicht die PIN. Bitte noch einmal.
pin_by_code_wrong = Der Code oder die PIN stimmt nicht. Bitte noch einmal.
pin_locked = Zu viele Versuche. Bitte machen Sie vorerst ohne Ihre Orte weiter.
pin_by_code_locked = Zu viele Versuche. Bitte machen Sie vorerst als Gast weiter.
pin_guest = Ohne PIN weiter
pin_erase = Letzte Ziffer löschen
pin_entered = { $count ->
    [one] 1 von 4 Ziffern eingegeben
   *[other] { $count } von 4 Ziffern eingegeben
}
code_title = Mit Ihrem Code
code_text = Geben Sie ihn ein, oder halten Sie den QR-Code an das Lesegerät. Die Kamera bleibt aus.
code_next = Weiter
code_none = Ich habe noch keinen Code
code_change = Code ändern
code_group = Bitte prüfen Sie Gruppe { $group }: Darin ist etwas vertippt.
code_incomplete = Das ist nicht der ganze Code. Er hat vier Gruppen zu fünf Zeichen.
