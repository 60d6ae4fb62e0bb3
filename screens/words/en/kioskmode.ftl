### Kiosk mode: the operator's choice on the page of pairing.

kioskmode_choice = Kiosk mode: full screen, the screen stays on, no zooming
kioskmode_missing_fullscreen = This browser cannot fill the screen by itself: start it in its own kiosk mode.
kioskmode_missing_wake_lock = This browser cannot keep the screen on: switch off its standby in the system's settings.
kioskmode_missing_touch_action = This browser cannot be kept from zooming with two fingers.
