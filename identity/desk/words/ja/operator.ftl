recognition-well = 顔認識は正常に動いています。誤って挨拶される見知らぬ人は、100人のうち多くても{ NUMBER($share, maximumFractionDigits: 2) }人です。
recognition-demo = 顔認識は{ $pack }で動いていますが、これはデモ専用です。お客様に使う前に本番用のパックを選んでください。
recognition-nobody = まだ誰も認識されません。約束を守れるしきい値がありません。「usual calibrate」を実行してください。それまでは全員がゲストです。
recognition-path-same = お客様はどちらの方法で登録していても、すぐに認識されます。見知らぬ人のスコアは、画像でも端末のベクトルでも同じです。
recognition-path-differ = 一部のお客様は登録し直す必要があります。見知らぬ人のスコアが画像と端末のベクトルで異なるため、高いほうのしきい値が両方に使われます。端末を以前の送り方のままにするか、認識されない人に登録を案内するようにしてください。
recognition-path-unknown = お客様がすぐに認識されるかどうかは分かりません。両方の方法で測定した見知らぬ人が少なすぎます。お客様ではない200人を、docs/kiosk.mdの「Measuring strangers」のとおりに測定してください（「usual calibrate --images」、次に「usual calibrate --vectors」）。それまでも約束より多く誤って挨拶されることはなく、認識されない人は登録し直します。
recognition-overdue = { $n }件の消去が、1分以上おすすめ側の確認を待っています。
promises-kept = { $erased ->
    [0] すべての約束を守っています。消去の依頼はまだありません。
   *[other] すべての約束を守っています。{ $erased }人のお客様の情報を、すべての場所から消去しました。
 }
promises-open = 消去{ $erased }件のうち{ $n }件が次の学習を待っています。該当のお客様はもう認識されません。
promises-held = { $n }件の退会がスタッフの確認を待っています。顔が複数の人に似ているためです。該当者は全員一時停止中です。
promises-late = { $n }件の消去が遅れています。何を待っているかは表で確認できます。
