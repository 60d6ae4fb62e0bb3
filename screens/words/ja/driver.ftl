### The driver's screen.

driver_offline = 接続がありません。表示が古い可能性があります。
driver_pairing_title = 運転手の画面を登録
driver_pairing_text = タクシーのタブレットに表示されたコードを入力するか、管理者からのリンクを開いてください。
driver_pairing_refused = このコードはもう使えません。管理者に新しいコードを依頼してください。
driver_waiting_title = 現在、乗車はありません
driver_waiting_text = { $taxi }のお客様が選ぶと、ここに行き先が表示されます。
driver_of_none = この画面はどのタクシーにも属していません。管理者に新しいコードを依頼してください。
driver_ride_title = お客様の行き先
driver_navigate = ナビで開く
driver_accept = 向かいます
driver_accepted = お客様に、向かっていることが伝わりました。
driver_over = 乗車終了
