### Die Seite, auf der ein Betreiber die Erkennung im Browser eines Geräts ausprobiert.

engine_title = Erkennt dieses Gerät Gesichter selbst?
engine_text = Die Kamera macht einige Bilder. Sie bleiben in diesem Browser: Nichts wird gesendet, nichts wird aufbewahrt.
engine_start = Ausprobieren
engine_loading = Die Erkennung wird geladen. Beim ersten Mal dauert das einige Sekunden.
engine_fast = Ja. Ein Bild dauert { $median } Millisekunden, das erste { $first }.
engine_failed = Die Erkennung läuft hier nicht. Lassen Sie dieses Gerät bei Bildern.
engine_lacks_not_fetched = Der Server hat die Erkennung für Browser noch nicht. Sein Betreiber ruft auf: usual screens fetch
engine_lacks_wasm_simd = Dieser Browser ist zu alt: Ihm fehlt WebAssembly mit SIMD. Lassen Sie das Gerät bei Bildern, oder erneuern Sie den Browser.
engine_lacks_web_crypto = Diese Seite ist nicht verschlüsselt, deshalb hat der Browser keine Schlüssel. Öffnen Sie sie mit https.
engine_lacks_x25519 = Dieser Browser ist zu alt: Er kann nicht versiegeln, was er senden würde (X25519). Lassen Sie das Gerät bei Bildern, oder erneuern Sie den Browser.
engine_lacks_threads = Dieser Browser ist zu alt: Ihm fehlen Threads mit Bildern. Lassen Sie das Gerät bei Bildern, oder erneuern Sie den Browser.
no_engine_title = Dieser Bildschirm erkennt gerade niemanden
no_engine_text = Seine Erkennung läuft hier nicht. Machen Sie ohne sie weiter oder mit Ihrem Code. Unser Team hilft gern.
