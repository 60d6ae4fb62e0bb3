### The page on which an operator tries the engine of a device's own browser.

engine_title = Does this device itself recognise faces?
engine_text = The camera takes a few pictures. They stay in this browser: nothing is sent, and nothing is kept.
engine_start = Try it
engine_loading = The engine is loading. The first time this takes a few seconds.
engine_fast = It does. One picture takes { $median } milliseconds, the first one { $first }.
engine_failed = The engine did not run here. Leave this device with pictures.
engine_lacks_not_fetched = The server does not have the engine yet. Its operator runs: usual screens fetch
engine_lacks_wasm_simd = This browser is too old: it has no WebAssembly with SIMD. Leave this device with pictures, or update the browser.
engine_lacks_web_crypto = This page is not encrypted, so the browser has no keys. Open it by https.
engine_lacks_x25519 = This browser is too old: it cannot seal what it would send (X25519). Leave this device with pictures, or update the browser.
engine_lacks_threads = This browser is too old: it has no threads with pictures. Leave this device with pictures, or update the browser.
no_engine_title = This screen recognises nobody right now
no_engine_text = Its engine does not run here. Go on without it, or with your code. Our team can help.
