operations-no-devices = Noch ist kein Gerät eingerichtet. Mit „usual keys pair kiosk“ erzeugen Sie den Link für den ersten Bildschirm.
operations-well = Alles funktioniert: { $online } von { $devices } Geräten waren in den letzten 15 Minuten aktiv.
operations-quiet = { $devices ->
    [one] Das Gerät hat sich in den letzten 15 Minuten nicht gemeldet. Sonst braucht nichts Aufmerksamkeit.
   *[other] Keines der { $devices } Geräte hat sich in den letzten 15 Minuten gemeldet. Sonst braucht nichts Aufmerksamkeit.
 }
operations-attention = { $n ->
    [one] Eine Sache braucht Aufmerksamkeit; { $online } von { $devices } Geräten waren in den letzten 15 Minuten aktiv.
   *[other] { $n } Dinge brauchen Aufmerksamkeit; { $online } von { $devices } Geräten waren in den letzten 15 Minuten aktiv.
 }
operations-disk = Nur noch { $percent } % der Platte sind frei.
operations-silent = { $days ->
    [one] { $device } hat sich seit einem Tag nicht gemeldet.
   *[other] { $device } hat sich seit { $days } Tagen nicht gemeldet.
 }
operations-not-me = An { $device } sagten { $percent } % der Begrüßten „Das bin ich nicht“. Sehen Sie nach Kamera und Licht.
operations-clock-ahead = Die Uhr von { $device } geht { $seconds } Sekunden vor. Der Bildschirm richtet sich nach dem Server; stellen Sie die Uhr des Geräts trotzdem.
operations-clock-behind = Die Uhr von { $device } geht { $seconds } Sekunden nach. Der Bildschirm richtet sich nach dem Server; stellen Sie die Uhr des Geräts trotzdem.
operations-failed = { $n ->
    [one] Eine Anfrage von { $device } scheiterte am Server. Das Protokoll des Servers sagt, warum.
   *[other] { $n } Anfragen von { $device } scheiterten am Server. Das Protokoll des Servers sagt, warum.
 }
operations-daily-limit = { $n ->
    [one] An { $device } wurde ein Tageslimit für Vektoren erreicht. Sehen Sie nach, wer dort drückt und ob das Gerät noch Ihres ist.
   *[other] An { $device } wurde { $n }-mal ein Tageslimit für Vektoren erreicht. Sehen Sie nach, wer dort drückt und ob das Gerät noch Ihres ist.
}
operations-sends = Sendet
operations-sends-pictures = Bilder
operations-sends-vectors = Vektoren
operations-sends-attested = Vektoren, bestätigt
operations-needs = Braucht Aufmerksamkeit
operations-calls = Jemand wird gebraucht
operations-call-since = gerufen { $ago }
operations-call-done = Erledigt: jemand war da
operations-devices = Geräte in den letzten 7 Tagen
operations-device = Gerät
operations-site = Standort
operations-page = Bildschirm
operations-state = Zustand
operations-state-online = aktiv
operations-state-away = nicht da
operations-state-silent = still
operations-state-never = noch nie gesehen
operations-seen = Zuletzt gesehen
operations-ago-now = gerade eben
operations-ago-minutes = vor {$n} min
operations-ago-hours = vor {$n} h
operations-ago-days = vor {$n} Tagen
operations-requests = Anfragen
operations-refused = Abgelehnt
operations-failed-column = Gescheitert
operations-not-me-rate = „Das bin ich nicht“
operations-clock = Eigene Uhr
operations-clock-right = richtig
operations-clock-off = { $seconds } s daneben
operations-p95 = 95 % beantwortet in
operations-ms = {$n} ms
operations-decisions = Entscheidungen der Erkennung
operations-decision-matched = erkannt
operations-decision-unknown = niemand Bekanntes
operations-decision-ambiguous = nicht sicher
operations-decision-by_code = mit Code
operations-few = Weniger als 10 Entscheidungen
operations-times = Wie lange dauert jeder Schritt?
operations-stage = Schritt
operations-stage-count = Messungen
operations-stage-half = Die Hälfte in
operations-stage-most = 95 % in
operations-packs = Erkennungspakete
operations-pack = Paket
operations-vendor = Hersteller
operations-licence = Lizenz
operations-grade = Gedacht für
operations-grade-demo = Vorführungen
operations-grade-production = Betrieb
operations-hash = Prüfsumme (SHA-256)
operations-gallery = Angemeldete Personen
operations-threshold = Schwelle
operations-promise = Irrtümlich begrüßte Fremde, höchstens
operations-disk-title = Platte
operations-disk-free = {$free} von {$total} GB sind frei.
operations-trainings = Die letzten Trainings
operations-elsewhere = Die Erkennung läuft in einem anderen Prozess; ihre Zahlen stehen unter dessen Adresse.
customers-purposes = Einwilligungen nach Zweck
customers-purpose = Zweck
customers-agree = Stimmen jetzt zu
customers-given = Bisher erteilt
customers-withdrawn = Widerrufen
customers-expired = Von selbst beendet
customers-notices = Einwilligungen nach Hinweistext
customers-notice = Hinweistext
customers-erasures = Löschungen
customers-receipt = Beleg
customers-day = Tag
customers-state = Zustand
customers-state-closed = überall erledigt
customers-state-open = wartet
customers-state-late = überfällig
customers-waits-for = Wartet auf
customers-held = Austritte, die das Personal abschließt
customers-held-how = Fragen Sie die Person nach Code oder PIN und führen Sie „usual identity held REFERENZ“ aus.
customers-reference = Referenz
customers-few = unter 10
customers-record = Wer was angesehen und geändert hat: das Protokoll
customers-elsewhere = Die Erkennung läuft in einem anderen Prozess; ihre Zahlen stehen unter dessen Adresse.
operations-webhooks = Webhooks
operations-webhook-url = Adresse
operations-webhook-events = Bekommt
operations-webhook-lost = Nie angekommen
operations-webhook-again = Noch einmal senden
operations-webhook-made = Erstellt
operations-webhook-event = Ereignis
operations-webhook-tries = Versuche
operations-webhook-why = Grund
operations-webhook-kept = Aufbewahrt bis
