recognition-well = Die Erkennung läuft. Höchstens { NUMBER($share, maximumFractionDigits: 2) } von 100 Fremden werden irrtümlich begrüßt.
recognition-demo = Die Erkennung läuft mit { $pack }, das nur zur Vorführung dient. Wählen Sie ein Paket für den Betrieb, bevor Sie Kunden bedienen.
recognition-nobody = Noch wird niemand erkannt: Es gibt keine Schwelle, die das Versprechen hält. Führen Sie „usual calibrate“ aus; bis dahin sind alle Gäste.
recognition-path-same = Kunden werden sofort erkannt, gleich wie sie sich angemeldet haben: Fremde erreichen mit Bildern und mit Vektoren von Geräten dieselben Werte.
recognition-path-differ = Einige Kunden müssen sich neu anmelden: Fremde erreichen mit Bildern und mit Vektoren von Geräten andere Werte, darum gilt für beide die höhere Schwelle. Lassen Sie das Gerät bei dem, was es vorher sandte, oder lassen Sie es allen, die es nicht erkennt, die Anmeldung anbieten.
recognition-path-unknown = Ob Kunden sofort erkannt werden, ist nicht bekannt: Auf beiden Wegen wurden zu wenige Fremde gemessen. Messen Sie zweihundert Menschen, die keine Kunden sind, wie es docs/kiosk.md unter „Measuring strangers“ beschreibt („usual calibrate --images“, dann „usual calibrate --vectors“). Bis dahin wird niemand öfter falsch begrüßt als versprochen, und wer nicht erkannt wird, meldet sich neu an.
recognition-overdue = { $n ->
    [one] Eine Löschung wartet seit mehr als einer Minute auf den Empfehlungsdienst.
   *[other] { $n } Löschungen warten seit mehr als einer Minute auf den Empfehlungsdienst.
 }
promises-kept = { $erased ->
    [0] Alle Versprechen sind gehalten. Bisher wollte niemand gelöscht werden.
    [one] Alle Versprechen sind gehalten. Ein Kunde wurde überall gelöscht.
   *[other] Alle Versprechen sind gehalten. { $erased } Kunden wurden überall gelöscht.
 }
promises-open = { $n ->
    [one] Eine von { $erased } Löschungen wartet auf ein Training; der Kunde wird nicht mehr erkannt.
   *[other] { $n } von { $erased } Löschungen warten auf ein Training; die Kunden werden nicht mehr erkannt.
 }
promises-held = { $n ->
    [one] Ein Austritt wartet auf das Personal: Das Gesicht könnte zu mehreren Personen gehören. Alle sind pausiert.
   *[other] { $n } Austritte warten auf das Personal: Die Gesichter könnten zu mehreren Personen gehören. Alle sind pausiert.
 }
promises-late = { $n ->
    [one] Eine Löschung ist überfällig. Die Tabelle zeigt, worauf sie wartet.
   *[other] { $n } Löschungen sind überfällig. Die Tabelle zeigt, worauf sie warten.
 }
