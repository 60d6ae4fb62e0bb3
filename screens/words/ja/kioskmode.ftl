### キオスクモード：登録ページでの選択

kioskmode_choice = キオスクモード：全画面表示、画面を消灯しない、拡大縮小しない
kioskmode_missing_fullscreen = このブラウザーは自動で全画面表示にできません。ブラウザー自体のキオスクモードで起動してください。
kioskmode_missing_wake_lock = このブラウザーは画面の消灯を防げません。システムの設定でスリープを無効にしてください。
kioskmode_missing_touch_action = このブラウザーでは2本指での拡大縮小を防げません。
