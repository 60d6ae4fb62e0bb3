### Of the device itself: its camera, what its browser lacks, its tabs, what waits without a connection.

camera_insecure_text = このページは暗号化なし（http）で開かれているため、ブラウザーがカメラを使わせません。ほかの機能はいつもどおりご利用いただけます。
camera_denied_text = このページではカメラが許可されていません。アドレスの横で許可してもう一度お試しいただくか、カメラなしでお進みください。
camera_busy_text = ほかのプログラムがカメラを使っています。終了してもう一度お試しいただくか、カメラなしでお進みください。
camera_none_text = カメラが見つかりません。ほかの機能はいつもどおりご利用いただけます。
camera_lost_text = カメラが外されました。カメラなしでお進みいただくか、つなぎ直してからもう一度お試しください。
camera_other = もう一方のカメラを見てください
camera_next = ほかのカメラ
camera_turn = 画像を回す
setup_title = カメラの設定
setup_text = 画像がまっすぐになるようにしてください。選んだ内容はこの端末に保存されます。
lacking_title = このブラウザーに足りないもの：
lacking_camera = カメラなし：コードまたはゲストとしてご利用いただきます。
lacking_encryption = 暗号化なし：httpsで開いてください。そうしないとカメラが使えず、接続なしでは起動できません。
lacking_storage = 保存領域なし：接続なしで再起動するとメニューが表示されません。
lacking_queue = 保存される送信待ちなし：ページを閉じると待っている注文が失われます。
lacking_worker = Service Workerなし：接続なしではページが起動しません。
lacking_layout = ブラウザーが古く、正しく表示できません。Chromium 105、Safari 16、Firefox 121以降をお使いください。
elsewhere_title = この画面はほかのタブで開いています
elsewhere_text = 注文が混ざらないよう、使えるタブは一つだけです。もう一方を閉じるか、こちらでお続けください。
elsewhere_here = こちらで続ける
badge_waiting = { $n }件の注文が接続を待っています。
badge_waiting_memory = { $n }件の注文が接続を待っています。このページを開いたままにしてください。
