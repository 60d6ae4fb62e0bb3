### Opting out.

optout_title = Sollen wir Sie vergessen?
optout_lead = Alles verschwindet sofort: das Muster Ihres Gesichts, Ihre Bestellungen, Ihre Fahrten.
optout_face = Mit meinem Gesicht
optout_face_sub = Ein Blick in die Kamera
optout_code = Mit meinem Code
optout_code_sub = Vom Tag der Anmeldung
optout_code_label = Ihr Code
optout_code_unknown = Dieser Code ist nicht bekannt. Bitte prüfen Sie ihn.
optout_code_missing = Bitte geben Sie Ihren Code ein.
optout_erase = Eins löschen
optout_now = Jetzt vergessen
forgotten_title = Sie sind vergessen
forgotten_text = Über Sie ist hier nichts mehr gespeichert. Als Gast sind Sie jederzeit willkommen.
forgotten_none_title = Wir haben nichts gefunden, das sicher zu Ihnen gehört
forgotten_none_text = Das heißt nicht, dass nichts gespeichert ist. Wenn Sie einen Code haben: Er funktioniert auch ohne Gesicht.
paused_title = Das Erkennen ruht
paused_text = Ab jetzt wird hier an diesem Gesicht niemand mehr erkannt. Damit es ganz endet, nennen Sie bitte dem Personal diese Nummer:
paused_staff = Für das Personal: usual identity held { $reference }
