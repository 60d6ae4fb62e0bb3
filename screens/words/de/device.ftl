### Of the device itself: its camera, what its browser lacks, its tabs, what waits without a connection.

camera_insecure_text = Diese Seite wurde ohne Verschlüsselung (http) geöffnet, darum gibt ihr der Browser keine Kamera. Alles andere geht wie immer.
camera_denied_text = Die Kamera ist auf dieser Seite nicht erlaubt. Erlauben Sie sie neben der Adresse der Seite und versuchen Sie es noch einmal, oder machen Sie ohne Kamera weiter.
camera_busy_text = Ein anderes Programm benutzt die Kamera. Beenden Sie es und versuchen Sie es noch einmal, oder machen Sie ohne Kamera weiter.
camera_none_text = Es wurde keine Kamera gefunden. Alles andere geht wie immer.
camera_lost_text = Die Kamera wurde abgezogen. Machen Sie ohne Kamera weiter, oder versuchen Sie es noch einmal, wenn sie wieder da ist.
camera_other = Jetzt die andere Kamera: Schauen Sie hierher
camera_next = Andere Kamera
camera_turn = Bild drehen
setup_title = Kamera einrichten
setup_text = Das Bild soll aufrecht stehen. Was Sie wählen, gilt für dieses Gerät.
lacking_title = Diesem Browser fehlt etwas:
lacking_camera = Keine Kamera: Gäste bestellen mit Code oder ohne Anmeldung.
lacking_encryption = Keine Verschlüsselung: Öffnen Sie die Seite über https, sonst gibt es keine Kamera und keinen Start ohne Verbindung.
lacking_storage = Kein Speicher: Nach einem Neustart ohne Verbindung fehlt die Speisekarte.
lacking_queue = Keine gespeicherte Warteschlange: Wartende Bestellungen gehen verloren, wenn die Seite geschlossen wird.
lacking_worker = Kein Service Worker: Ohne Verbindung startet die Seite nicht.
lacking_layout = Der Browser ist zu alt für die Darstellung. Nehmen Sie Chromium 105, Safari 16, Firefox 121 oder neuer.
elsewhere_title = Dieser Bildschirm ist in einem anderen Tab offen
elsewhere_text = Nur ein Tab macht mit, damit keine Bestellung durcheinandergerät. Schließen Sie den anderen, oder machen Sie hier weiter.
elsewhere_here = Hier weitermachen
badge_waiting = { $n ->
    [one] Eine Bestellung wartet auf die Verbindung.
   *[other] { $n } Bestellungen warten auf die Verbindung.
 }
badge_waiting_memory = { $n ->
    [one] Eine Bestellung wartet auf die Verbindung. Bitte lassen Sie diese Seite offen.
   *[other] { $n } Bestellungen warten auf die Verbindung. Bitte lassen Sie diese Seite offen.
 }
