offer-state-draft = 下書き
offer-state-scheduled = 予約済み
offer-state-running = 実施中
offer-state-paused = 一時停止
offer-state-ended = 終了
offer-why-draft = 開始するまで、どなたにも表示されません。
offer-why-ended = 担当者が終了しました。
offer-why-over = 最終日は{ $day }でした。
offer-why-used-up = 予算を使い切りました。
offer-why-paused = 担当者が一時停止しました。
offer-why-no-site = 対象の店舗が存在しません：{ $sites }。
offer-why-no-dish = 対象の商品が現在メニューにありません。
offer-why-reserved = 残りの予算は、すでにご覧になったお客さまのために確保されています。
offer-why-never = 表示される日が残っていません。
offer-why-scheduled = { $day } { $time }から表示されます。
offer-why-running = お客さまに表示されています。
offer-warns-sites = 存在しない店舗です：{ $names }。
offer-warns-items = 現在注文できない商品です：{ $names }。
offer-warns-categories = 現在注文できる商品がないカテゴリーです：{ $names }。
offer-warns-no-discount = 特典の内容が登録されていないため、レジで適用できません。
offers-none = 特典はまだありません。最初の特典を作成するか、ファイルを取り込んでください。
offers-counts = 実施中の特典は{ $running }件、準備中・停止中は{ $waiting }件、終了は{ $ended }件です。これまでの{ $redeemed }件のご利用で{ $cost }かかりました。
offer-refused = ご利用をお断りした件数：{ $n }件（{ $causes }）。
offer-refused-cause = { $cause ->
    [below_minimum_spend] 最低ご利用金額に不足
    [redemption_of_other_items] 対象の商品がない
    [redeemed_before] 利用済み
    [offer_ended] 特典が終了
    [offer_of_another_site] 対象外の店舗
    [redemption_too_late] 利用期限切れ
    [redemption_of_another_offer] 表示された特典と別の特典
    [redemption_without_order] ご注文が不明
   *[other] その他の理由
} { $n }件
