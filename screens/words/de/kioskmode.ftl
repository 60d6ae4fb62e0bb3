### Kioskmodus: die Wahl auf der Seite der Kopplung.

kioskmode_choice = Kioskmodus: Vollbild, Bildschirm bleibt an, kein Zoomen
kioskmode_missing_fullscreen = Dieser Browser kann nicht selbst ins Vollbild wechseln: Starten Sie ihn in seinem eigenen Kioskmodus.
kioskmode_missing_wake_lock = Dieser Browser kann den Bildschirm nicht anlassen: Schalten Sie den Ruhezustand in den Systemeinstellungen aus.
kioskmode_missing_touch_action = Bei diesem Browser lässt sich das Zoomen mit zwei Fingern nicht verhindern.
