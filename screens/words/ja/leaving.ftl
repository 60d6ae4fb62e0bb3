### Opting out.

optout_title = 登録を消去しますか？
optout_lead = 顔の特徴データ、ご注文、ご乗車の記録を、すべてすぐに消去します。
optout_face = 顔で消去
optout_face_sub = カメラを一度見るだけ
optout_code = コードで消去
optout_code_sub = 登録した日のコード
optout_code_label = コード
optout_code_unknown = このコードは見つかりません。ご確認ください。
optout_code_missing = コードを入力してください。
optout_erase = 1文字消す
optout_now = 今すぐ消去する
forgotten_title = 登録を消去しました
forgotten_text = あなたについての記録はもうありません。ゲストとしていつでもご利用いただけます。
forgotten_none_title = 確実にあなたと言える登録は見つかりませんでした
forgotten_none_text = 何も保存されていないという意味ではありません。コードがあれば、顔がなくても消せます。
paused_title = 認識を休止しました
paused_text = 今後、この顔ではどなたも認識しません。完全に消すには、次の番号をスタッフにお伝えください。
paused_staff = スタッフ用：usual identity held { $reference }
