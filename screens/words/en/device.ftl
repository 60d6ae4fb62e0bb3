### Of the device itself: its camera, what its browser lacks, its tabs, what waits without a connection.

camera_insecure_text = This page was opened without encryption (http), so the browser gives it no camera. Everything else works as always.
camera_denied_text = The camera is not allowed on this page. Allow it beside the address of the page and try again, or go on without it.
camera_busy_text = Another program is using the camera. Close it and try again, or go on without the camera.
camera_none_text = No camera was found. Everything else works as always.
camera_lost_text = The camera was unplugged. Go on without it, or try again when it is back.
camera_other = Now the other camera: look here
camera_next = Other camera
camera_turn = Turn the picture
setup_title = Set up the camera
setup_text = The picture should stand upright. What you choose holds for this device.
lacking_title = This browser lacks something:
lacking_camera = No camera: people go on by code or as guests.
lacking_encryption = No encryption: open the page over https, or there is no camera and no start without a connection.
lacking_storage = No storage: after a restart without a connection the menu is missing.
lacking_queue = No queue on disk: orders that wait are lost when the page is closed.
lacking_worker = No service worker: the page does not start without a connection.
lacking_layout = The browser is too old for the layout. Use Chromium 105, Safari 16 or Firefox 121 or newer.
elsewhere_title = This screen is open in another tab
elsewhere_text = Only one tab takes part, so that no order is mixed up. Close the other one, or go on here.
elsewhere_here = Go on here
badge_waiting = { $n ->
    [one] One order waits for the connection.
   *[other] { $n } orders wait for the connection.
 }
badge_waiting_memory = { $n ->
    [one] One order waits for the connection. Please leave this page open.
   *[other] { $n } orders wait for the connection. Please leave this page open.
 }
