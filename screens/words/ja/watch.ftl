### キオスクやタクシーの画面を囲み、止まったときに起動し直すページ (/watch)

watch_title = 画面
watch_starting = 少々お待ちください
watch_starting_text = 画面を再起動しています。もうしばらくお待ちください。
watch_count = 直近24時間の再起動:
