### The page around a kiosk or a taxi tablet that brings it back (/watch).

watch_title = Screen
watch_starting = One moment
watch_starting_text = This screen is starting again. It takes a moment.
watch_count = Restarts in the last 24 hours:
