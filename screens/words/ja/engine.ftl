### 端末のブラウザーで顔認識エンジンを試すページ。

engine_title = この端末は自分で顔を認識できますか？
engine_text = カメラが数枚の画像を撮ります。画像はこのブラウザーの中だけで使われ、送信も保存もされません。
engine_start = 試す
engine_loading = エンジンを読み込んでいます。初回は数秒かかります。
engine_fast = できます。1枚に{ $median }ミリ秒、最初の1枚に{ $first }ミリ秒かかりました。
engine_failed = ここではエンジンが動きませんでした。この端末は画像のまま使ってください。
engine_lacks_not_fetched = サーバーにまだエンジンがありません。運用者が次を実行します: usual screens fetch
engine_lacks_wasm_simd = このブラウザーは古く、SIMD対応のWebAssemblyがありません。画像のまま使うか、ブラウザーを更新してください。
engine_lacks_web_crypto = このページは暗号化されていないため、ブラウザーの鍵が使えません。httpsで開いてください。
engine_lacks_x25519 = このブラウザーは古く、送るものを暗号化できません（X25519）。画像のまま使うか、ブラウザーを更新してください。
engine_lacks_threads = このブラウザーは古く、画像を扱うスレッドがありません。画像のまま使うか、ブラウザーを更新してください。
no_engine_title = この画面では今、認識ができません
no_engine_text = 認識エンジンが動いていません。認識なしで、またはコードで続けてください。係の者がお手伝いします。
