earn-span = { $low }から{ $high }の間
earn-holdout = お客さまの{ $share }には特典を一切表示していません。その方々のご利用額が「特典がなかった場合」を示すため、その差が特典の効果です。
earn-nothing-decided = まだ特典の判断は行われていません。特典に同意された最初のお客さまから始まります。
earn-all-open = まだ判断できません。判断を行った{ $n }回のご来店すべてで、集計期間が続いています。
earn-too-few = まだ結論は出ていません。{ $group ->
    [offers] 特典を表示するお客さま
   *[no-offers] 特典を表示しないお客さま
}があと{ $missing }人必要です。各グループに{ $least }人が必要です。
earn-offers-certain = 特典により、1回のご来店あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は、表示しない場合より{ $amount }{ $direction ->
    [more] 増えました
   *[less] 減りました
}。これは確実です（{ $span }）。
earn-offers-open = 特典により、1回のご来店あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は、表示しない場合より{ $amount }{ $direction ->
    [more] 増えました
   *[less] 減りました
}。まだ結論は出ていません（{ $span }）。{ $wait }。
earn-wait-unknown = 今のところ差は見られません
earn-wait-next = 次のご来店で結論が出ます
earn-wait-visits = あと約{ $visits }回のご来店が必要です
earn-wait-days = あと約{ $visits }回のご来店（約{ $days }日）が必要です
earn-group-offers = 特典を表示するお客さま
earn-group-no-offers = 特典を表示しないお客さま
earn-group = { $name }{ $customers }人の{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は、1回のご来店あたり{ $amount }です（{ $visits }回）。
earn-group-small = { $name }は10人未満のため表示しません。
earn-one-certain = 表示したご来店1回あたり{ $amount }の{ $value ->
    [margin] 粗利
   *[revenue] 売上
}{ $direction ->
    [more] 増です
   *[less] 減です
}。これは確実です（{ $span }）。
earn-one-open = まだ結論は出ていません（{ $span }）。{ $wait }。
earn-one-too-few = まだ結論は出ていません。あと{ $missing }人のお客さまが必要です。
earn-best-unknown = どの特典が最も効果的かは、まだ分かりません。
earn-best-none = 今のところ、表示しない場合を上回る特典はありません。
earn-best-certain = 最も効果的な特典は「{ $name }」です。表示したご来店1回あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は{ $amount }です（{ $span }）。
earn-best-so-far = 今のところ「{ $name }」が最も効果的です。表示したご来店1回あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は{ $amount }です（{ $span }）。ただし、最良かどうかは確実ではありません。
earn-ratio-fine = { $customers }人中{ $held }人（{ $share }、予定は{ $meant }）には特典を表示していません。これは偶然の範囲内です。
earn-ratio-broken = { $customers }人中{ $held }人（{ $share }、予定は{ $meant }）には特典を表示していません。これは偶然ではありません。原因が分かるまで、数値を信頼しないでください。
earn-single-unknown = 最初の学習の後に分かります。
earn-single-same = 現在は最も効果的な特典だけを表示しているため、差はありません。
earn-single-certain = 現在の選び方は、最も効果的な特典を常に表示する場合より、1回のご来店あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}が{ $amount }{ $direction ->
    [more] 多くなります
   *[less] 少なくなります
}。これは確実です（{ $span }）。
earn-single-open = 現在の選び方は、最も効果的な特典を常に表示する場合より、1回のご来店あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}が{ $amount }{ $direction ->
    [more] 多くなります
   *[less] 少なくなります
}。まだ結論は出ていません（{ $span }）。{ $wait }。
earn-exploring-unknown = ご来店の{ $share }で別の特典を試しています。その費用はまだ分かりません。
earn-exploring = ご来店の{ $share }で別の特典を試すことで、1回のご来店あたり{ $amount }の費用がかかります。より良い特典が現れたときに気付くためのものです。
earn-way-learned = 現在の選び方
earn-way-none = 特典なし
earn-way-single = 最も効果的な特典を常に表示
earn-what-if-unknown = 他の方法の効果は、最初の学習の後に分かります。
earn-what-if = これらのご来店で最も効果的だった方法は「{ $way }」で、1回のご来店あたりの{ $value ->
    [margin] 粗利
   *[revenue] 売上
}は{ $amount }でした。
earn-what-if-weak = { $all }件中{ $weak }件の数値は、比較できるご来店が{ $least }回未満のため、参考としてご覧ください。
earn-whom = 最も期待できる1割のご来店では最良の特典により{ $top }、最も期待できない1割では{ $last }です。
earn-whom-fifth = ご来店の2割をうまく選ぶと、全体の効果の{ $share }が得られます。
earn-whom-unknown = 特典がどのお客さまに効果的かは、まだ分かりません。{ $missing ->
    [0] 特典のあるご来店とないご来店がさらに必要です。
   *[other] 集計の終わったご来店があと{ $missing }回必要です。
}
earn-policy-none = まだ学習していません。十分な情報が得られるまで、すべての特典を順に表示します。
earn-policy-best-single = 全員に最も効果的な特典を表示しています。お客さまごとに選ぶ方が効果的だとは、まだ証明されていません。
earn-policy-in-turn = すべての特典を順に表示し、効果の高いものを多く表示しています。
earn-policy-whom = 効果が見込まれるお客さまに特典を表示し、効果の高いものを多く表示しています。
earn-counted = { $decisions }回のご来店を集計しました。さらに{ $open }回は集計期間中で、結果はまだ分かりません。
earn-redemptions = 特典を見た後のご利用は{ $aware }件です。見ていないご利用{ $blind }件は、特典の効果に含めません。
earn-counting = 数値を初めて集計しています。数分後にこのページに表示されます。
