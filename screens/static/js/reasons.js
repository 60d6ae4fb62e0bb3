// Reasons by code, for languages other than the server's own (English). The server's sentence is more exact.

const REASONS = {
  de: {
    kiosk: {
      usual: "Das bestellen Sie oft",
      usual_basket: "Ihre übliche Bestellung",
      last_time: "Das hatten Sie beim letzten Mal",
      had_before: "Das hatten Sie schon einmal",
      with_basket: "Passt zu Ihrer Bestellung",
      popular_here: "Um diese Zeit hier beliebt",
      alike: "Wählen Gäste mit ähnlichem Geschmack",
      new: "Neu für Sie",
      suggested: "Jetzt auf der Karte",
      offer: "Ein Angebot für heute",
    },
    taxi: {
      usual: "Dorthin fahren Sie oft",
      usual_now: "Um diese Zeit fahren Sie oft dorthin",
      weekly: "Etwa jede Woche um diese Zeit",
      from_here: "Von hier aus fahren Sie oft dorthin",
      been_there: "Dort waren Sie schon",
      return: "Dort begann eine frühere Fahrt",
      follows: "Von hier aus ein häufiges Ziel",
      alike: "Ziel von Menschen mit ähnlichen Fahrten",
      popular_near: "In der Nähe um diese Zeit beliebt",
      popular_here: "In der Nähe beliebt",
      suggested: "Einer Ihrer Vorschläge",
    },
  },
  ja: {
    kiosk: {
      usual: "よくご注文いただいています",
      usual_basket: "いつものご注文です",
      last_time: "前回のご注文です",
      had_before: "以前ご注文いただきました",
      with_basket: "ご注文によく合います",
      popular_here: "この時間の人気です",
      alike: "好みの近いお客さまに選ばれています",
      new: "まだ召し上がっていない一品です",
      suggested: "ただいまご用意できます",
      offer: "本日の特典です",
    },
    taxi: {
      usual: "よく行かれる場所です",
      usual_now: "この時間によく行かれる場所です",
      weekly: "ほぼ毎週この時間に行かれています",
      from_here: "ここからよく行かれる場所です",
      been_there: "以前行かれた場所です",
      return: "以前ご乗車になった場所です",
      follows: "ここからの行き先によく選ばれます",
      alike: "移動の傾向が近い方の行き先です",
      popular_near: "この時間、近くで人気の場所です",
      popular_here: "近くで人気の場所です",
      suggested: "おすすめの行き先です",
    },
  },
};

const COUNTED = {
  de: "Bei {a} Ihrer letzten {b} Besuche bestellt",
  ja: "最近{b}回のうち{a}回ご注文いただきました",
};

/** The sentence of `language` for the server's reason on a page (kiosk or taxi), or "" where there is none. */
export function reasonIn(language, page, { code, text }) {
  const own = REASONS[language]?.[page];
  if (!own) return "";
  const counted = /(\d+) of your last (\d+) visits/.exec(text || "");
  if (counted) return COUNTED[language].replace("{a}", counted[1]).replace("{b}", counted[2]);
  return own[code] || own[code.split("_")[0]] || "";
}
