recognition-well = 顔認識は正常に動いています。誤って挨拶される見知らぬ人は、100人のうち多くても{ NUMBER($share, maximumFractionDigits: 2) }人です。
recognition-demo = 顔認識は{ $pack }で動いていますが、これはデモ専用です。お客様に使う前に本番用のパックを選んでください。
recognition-nobody = まだ誰も認識されません。約束を守れるしきい値がありません。「usual calibrate」を実行してください。それまでは全員がゲストです。
recognition-overdue = { $n }件の消去が、1分以上おすすめ側の確認を待っています。
promises-kept = { $erased ->
    [0] すべての約束を守っています。消去の依頼はまだありません。
   *[other] すべての約束を守っています。{ $erased }人のお客様の情報を、すべての場所から消去しました。
 }
promises-open = 消去{ $erased }件のうち{ $n }件が次の学習を待っています。該当のお客様はもう認識されません。
promises-held = { $n }件の退会がスタッフの確認を待っています。顔が複数の人に似ているためです。該当者は全員一時停止中です。
promises-late = { $n }件の消去が遅れています。何を待っているかは表で確認できます。
