scene-many = { $scene ->
    [orders] 注文
    [destinations] 乗車
   *[offers] 特典
}
baseline-words = { $baseline ->
    [best_single] 最も良い単独の特典
   *[counting] お客様ごとの選択回数を数えるだけの方法
}
attention-count = { $act ->
    [0] 対応が必要なものはありません。
   *[other] 対応が必要なものが{ $act }件あります。
}
overview-answer = この期間の来店は{ NUMBER($visits) }件です。{ $recognised ->
    [-1] 認識されたお客様は、人数をお見せできるほど多くありません
   *[other] { $recognised_of }件のうち{ $recognised }件でお客様を認識しました
}。{ $taken ->
    [-1] おすすめが選ばれた割合はまだわかりません
   *[other] { $taken_of }件のうち{ $taken }件でおすすめが選ばれました
}{ $than ->
    [more] (以前の同じ曜日より多い)
    [less] (以前の同じ曜日より少ない)
    [same] (以前の同じ曜日とほぼ同じ)
   *[unknown] {""}
}。{ attention-count }
overview-few = この期間の来店は、表示できる件数に達していません。期間を長くするか、すべての店舗を選んでください。{ attention-count }
overview-only-orders = この期間の注文は{ NUMBER($orders) }件です。画面からおすすめの要求はありませんでした。{ attention-count }
overview-nothing = この期間には来店も注文もありませんでした。{ attention-count }
holdout-nothing = まだどの特典も判断されていないため、比較できません。
holdout-few = 特典の効果はまだわかりません。一方のグループのお客様が少なすぎます。
holdout-all-sites = 特典の効果は全店舗をまとめて測っています。全店舗を見られる人に聞いてください。
holdout-certain = 特典により、来店1件あたりの{ $value ->
    [margin] 利益
   *[revenue] 売上
}は、特典なしに比べて{ $difference } { $sign ->
    [more] 増えました
   *[less] 減りました
}。これは確かです({ $low } から { $high } の間)。
holdout-open = これまでのところ、特典により来店1件あたりの{ $value ->
    [margin] 利益
   *[revenue] 売上
}は{ $difference } { $sign ->
    [more] 増えています
   *[less] 減っています
}。まだ結論は出ていません({ $low } から { $high } の間)。{ $visits ->
    [-1] 差は見込まれません
    [0] 次の数件の来店で決まります
   *[other] あと約{ NUMBER($visits) }件の来店が必要です
}。
attention-training-failed = { scene-many }の直近の学習が失敗しました。以前に公開したものを引き続き表示しています。
attention-training-lost = { scene-many }の直近の学習が途中で終わりました。以前に公開したものを引き続き表示しています。
attention-training-refused = { scene-many }の直近の学習は公開されませんでした。理由は学習のページにあります。
attention-rolled-back = Usual が { scene-many }のバージョンを自動的に前のものに戻しました。バージョン { $version } の提案 1000 件のうち受け入れられたのは { $now } 件で、その前のバージョンでは { $then } 件でした。固定を解除するまで、このまま表示されます。
attention-budget = { $share ->
    [1] 「{ $offer }」の予算を使い切りました。
   *[other] 「{ $offer }」の予算の{ NUMBER($share, style: "percent") }を使いました。
}
attention-no-events = { $days }日間、注文が届いていません。
attention-site-silent = { $site }から{ $days }日間、注文が届いていません。
attention-import = { $file }の取り込みは拒否されました。{ NUMBER($wrong) }行に誤りがあります。
attention-untrained = { scene-many }を学習するのに十分なデータがありますが、まだ公開された学習がありません。
attention-acceptance-fell = おすすめが選ばれる割合が4週間前より下がりました({ NUMBER($before, style: "percent") }から{ NUMBER($now, style: "percent") })。
attention-unknown = 対応が必要なものがあります。デスクでご確認ください。
mail-subject-began = Usual: { $text }
mail-subject-ended = Usual(解決): { $text }
mail-began =
    { $text }

    対象: { $tenant }。デスクの概要ページに、できることが表示されています。
    解決したときに、もう一度メールをお送りします。
mail-ended =
    次の件は解決しました。
    { $text }

    対象: { $tenant }
quality-no-version = { scene-many }についてはまだ何も学習していません。お客様には最も多く選んだもの、ゲストには人気のものを表示しています。
quality-better-share = { scene-many }: 最初のおすすめは100回のうち{ $right }回当たりました。数えるだけの方法では{ $counting }回です。モデルが見ていない{ NUMBER($n) }件で測った結果、モデルのほうが優れています。
quality-better = { scene-many }: モデルは{ baseline-words }より優れています。モデルが見ていないデータでの検証で確かめました。
quality-not-proven-share = { scene-many }: おすすめは{ baseline-words }とほぼ同じ精度です。最初のおすすめは100回のうち{ $right }回当たります。それ以上の効果は確かめられていません。
quality-not-proven = { scene-many }: おすすめは{ baseline-words }とほぼ同じ精度です。それ以上の効果は確かめられていません。
method-ranker = 学習した順位
method-ranker-with-counting = 学習した順位(回数も考慮)
method-ranker-with-neighbours = 学習した順位(似たお客様も考慮)
method-counting = 回数を数える方法
method-own-frequency = お客様ごとの最多
method-kernel = この時間のいつもの場所
method-popular = 人気のもの
method-best-single = 最も良い単独の特典
method-learned = 学習した特典の選択
method-other = { $name }
baseline-counting = お客様ごとの選択回数を数える方法
baseline-best_single = 最も良い単独の特典
missing-catalogue = カタログに{ $kind ->
    [place] 場所
   *[item] 商品
}がまだありません。先に取り込んでください。
missing-customers = { $back ->
    [0] 再び来店したお客様はまだいません
   *[other] { scene-many }が2回以上のお客様は{ NUMBER($back) }人です
}。数えるだけの方法との差を確かめるには、あと{ NUMBER($more) }人必要です。
suggestions-nothing = カタログがまだないため、おすすめできるものがありません。先に商品か場所を取り込んでください。
data-answer = { $hours ->
    [-1] 90日間、注文が届いていません
    [0] 最新の注文は1時間以内のものです
   *[other] 最新の注文は{ NUMBER($hours) }時間前のものです
}。{ $steps ->
    [0] どの種類のデータも十分にあります。
   *[other] おすすめを良くできる点が{ $steps }件あります。
}
data-nothing = 注文がまだありません。取り込むか、画面から送信してください。
data-next-catalogue = メニュー(または場所)を取り込んでください。これがないと、おすすめができません。
data-next-events = 過去の注文を取り込むか、画面やレジから送信してください。最初の注文からおすすめが始まります。
data-next-orders = { $least }回以上来店したお客様の{ scene-many }があと{ NUMBER($more) }件あれば、数えるだけの方法との差をたいてい確かめられます。
data-next-price = 価格のない商品が{ NUMBER($n) }件あります。金額の計算では0として扱われます。
data-next-category = カテゴリーのない商品が{ NUMBER($n) }件あります。新しい商品がおすすめされるのが遅くなります。
data-next-allergens = アレルゲンの記載がない商品が{ NUMBER($n) }件あります。避ける必要のある方が安全なものを選べるよう、アレルゲンの有無を記載してください。
data-drift = { $weekday ->
    [0] 月曜日
    [1] 火曜日
    [2] 水曜日
    [3] 木曜日
    [4] 金曜日
    [5] 土曜日
   *[6] 日曜日
}の注文は全体の{ $share }%です(前の8週間は{ $was }%)。
attention-erasures = まだすべての場所で完了していない削除が{ $n }件あります。
attention-screen-silent = 画面{ $device }は{ $days }日間使われていません。
data-imports-of-all-sites = 取り込みは全店舗が対象です。お使いのアカウントは一部の店舗が対象のため、表示していません。全店舗を閲覧できる担当者にはここに表示されます。
