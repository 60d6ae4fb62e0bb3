### Die Seite um einen Kiosk oder ein Taxi-Tablet, die ihn wieder in Gang bringt (/watch).

watch_title = Bildschirm
watch_starting = Einen Moment
watch_starting_text = Dieser Bildschirm startet gerade neu. Das dauert einen Augenblick.
watch_count = Neustarts in den letzten 24 Stunden:
