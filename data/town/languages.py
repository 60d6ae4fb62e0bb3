"""The menu and the map of Lindenholm in other languages: names in German and Japanese, short texts in all three."""
# ruff: noqa: E501 - each line is a row of a table

from __future__ import annotations

# German name | Japanese name | text in English | in German | in Japanese; in the order of the menu
_DISHES = """
Flat White|フラットホワイト|Double espresso under fine milk foam|Doppelter Espresso unter feinem Milchschaum|きめ細かなミルクを注いだダブルエスプレッソ
Cappuccino|カプチーノ|Espresso with plenty of milk foam|Espresso mit viel Milchschaum|たっぷりのミルクフォームをのせたエスプレッソ
Espresso|エスプレッソ|Short and strong|Kurz und kräftig|短く濃厚な一杯
Filterkaffee|ドリップコーヒー|Freshly brewed, a light roast|Frisch gebrüht, hell geröstet|浅煎り豆を淹れたてで
Hafer-Latte|オーツラテ|Espresso with steamed oat drink|Espresso mit aufgeschäumtem Haferdrink|スチームしたオーツミルクとエスプレッソ
Eiskaffee|アイスコーヒー|Cold coffee with milk over ice|Kalter Kaffee mit Milch auf Eis|ミルクを加えた冷たいコーヒー
Earl Grey|アールグレイ|Black tea with bergamot|Schwarzer Tee mit Bergamotte|ベルガモット香る紅茶
Frischer Minztee|フレッシュミントティー|A handful of fresh mint, hot water|Eine Handvoll frische Minze, heiß aufgegossen|摘みたてミントのハーブティー
Chai Latte|チャイラテ|Spiced black tea with milk|Gewürzter Schwarztee mit Milch|スパイスとミルクの紅茶
Orangensaft|オレンジジュース|Freshly pressed|Frisch gepresst|搾りたてのオレンジ
Apfelschorle|アップルスプリッツァー|Cloudy apple juice and sparkling water|Naturtrüber Apfelsaft mit Sprudel|りんご果汁の炭酸割り
Rhabarberlimonade|ルバーブレモネード|Home-made, not too sweet|Hausgemacht, nicht zu süß|甘さ控えめの自家製レモネード
Stilles Wasser|ミネラルウォーター|Half a litre, without gas|Ein halber Liter, ohne Kohlensäure|炭酸なし、500ml
Ingwer-Shot|ジンジャーショット|Ginger, lemon and apple|Ingwer, Zitrone und Apfel|しょうが、レモン、りんご
Insel-Lager|アイランドラガー|Brewed on the island|Auf der Insel gebraut|島で醸造したラガービール
Alkoholfreies Weizen|ノンアルコール白ビール|Wheat beer without alcohol|Weizenbier ohne Alkohol|アルコールを含まない小麦ビール
Weißwein des Hauses|ハウスワイン（白）|Dry, from the barrel|Trocken, vom Fass|樽から注ぐ辛口
Buttercroissant|バタークロワッサン|Baked this morning|Heute Morgen gebacken|今朝焼きたて
Mandelcroissant|アーモンドクロワッサン|Filled with almond cream|Mit Mandelcreme gefüllt|アーモンドクリーム入り
Zimtschnecke|シナモンロール|With butter and cinnamon sugar|Mit Butter und Zimtzucker|バターとシナモンシュガー
Roggenbrötchen mit Käse|ライ麦パンのチーズサンド|Mountain cheese and butter|Bergkäse und Butter|山のチーズとバター
Saatenbagel mit Lachs|スモークサーモンのベーグル|Smoked salmon, cream cheese, dill|Räucherlachs, Frischkäse, Dill|スモークサーモン、クリームチーズ、ディル
Porridge mit Apfel|りんごのオートミール|Oats with milk, apple and cinnamon|Hafer mit Milch, Apfel und Zimt|ミルクで煮たオーツ、りんごとシナモン
Granola mit Joghurt|グラノーラヨーグルト|With nuts and honey|Mit Nüssen und Honig|ナッツとはちみつ添え
Overnight Oats mit Beeren|ベリーのオーバーナイトオーツ|Oats soaked in oat drink|In Haferdrink eingeweichte Flocken|オーツミルクに一晩浸したオーツ麦
Rührei auf Toast|スクランブルエッグトースト|Three eggs, chives, sourdough|Drei Eier, Schnittlauch, Sauerteigbrot|卵3個とチャイブ、サワードウのトースト
Bauernfrühstück|農家風オムレツ|Fried potatoes, egg and ham|Bratkartoffeln, Ei und Schinken|じゃがいも、卵、ハムの炒め焼き
Shakshuka|シャクシュカ|Eggs in spicy tomato and pepper|Eier in scharfer Tomaten-Paprika-Soße|スパイシーなトマトソースの落とし卵
Tomatensuppe|トマトスープ|With basil oil|Mit Basilikumöl|バジルオイルを添えて
Linsensuppe|レンズ豆のスープ|Red lentils, cumin, lemon|Rote Linsen, Kreuzkümmel, Zitrone|赤レンズ豆、クミン、レモン
Fischsuppe|フィッシュチャウダー|Cod, potato and cream|Kabeljau, Kartoffeln und Sahne|たらとじゃがいものクリームスープ
Caesar Salad|シーザーサラダ|Romaine, Parmesan, croutons, anchovy|Römersalat, Parmesan, Croûtons, Sardellen|ロメインレタス、パルメザン、クルトン、アンチョビ
Rote-Bete-Salat mit Feta|ビーツとフェタのサラダ|Beetroot, feta and herbs|Rote Bete, Feta und Kräuter|ビーツ、フェタチーズ、ハーブ
Falafel-Bowl|ファラフェルボウル|Falafel, hummus, vegetables|Falafel, Hummus, Gemüse|ファラフェル、フムス、野菜
Reisbowl mit Lachs|サーモン丼|Salmon, rice, cucumber, soy|Lachs, Reis, Gurke, Sojasoße|サーモン、ごはん、きゅうり、しょうゆ
Teriyaki-Bowl mit Hähnchen|照り焼きチキン丼|Chicken, rice, sesame|Hähnchen, Reis, Sesam|鶏肉、ごはん、ごま
Nudelbowl mit Tofu|豆腐のピリ辛ヌードル|Wheat noodles, tofu, chilli|Weizennudeln, Tofu, Chili|小麦麺、豆腐、唐辛子
Club-Sandwich|クラブサンドイッチ|Chicken, bacon, egg, tomato|Hähnchen, Speck, Ei, Tomate|鶏肉、ベーコン、卵、トマト
Käsetoast|グリルドチーズサンド|Melted Cheddar in sourdough|Geschmolzener Cheddar im Sauerteigbrot|とろけるチェダーとサワードウ
Hummus-Wrap|フムスのラップサンド|Hummus, carrot, rocket|Hummus, Karotte, Rucola|フムス、にんじん、ルッコラ
Fischbrötchen|フィッシュロール|Herring, onion, pickles|Hering, Zwiebel, Gurke|にしん、玉ねぎ、ピクルス
Margherita|マルゲリータ|Tomato, mozzarella, basil|Tomate, Mozzarella, Basilikum|トマト、モッツァレラ、バジル
Pizza Diavola|ピザ・ディアヴォラ|Tomato, mozzarella, spicy salami|Tomate, Mozzarella, scharfe Salami|トマト、モッツァレラ、辛口サラミ
Pizza mit Pilzen|きのこのピザ|Mozzarella, mushrooms, thyme|Mozzarella, Champignons, Thymian|モッツァレラ、マッシュルーム、タイム
Spaghetti Bolognese|スパゲッティ・ボロネーゼ|Slow-cooked beef and tomato|Lange geschmortes Rind mit Tomate|じっくり煮込んだ牛肉とトマト
Linguine mit Pesto|ジェノベーゼのリングイネ|Basil, pine nuts, hard cheese|Basilikum, Pinienkerne, Hartkäse|バジル、松の実、ハードチーズ
Lasagne|ラザニア|Beef, tomato, béchamel|Rind, Tomate, Béchamel|牛肉、トマト、ベシャメルソース
Cheeseburger|チーズバーガー|Beef, Cheddar, pickles, fried onions|Rind, Cheddar, Gurke, Röstzwiebeln|牛肉、チェダー、ピクルス、フライドオニオン
Veggie-Burger|ベジバーガー|Soy patty, tomato, lettuce|Soja-Patty, Tomate, Salat|大豆パティ、トマト、レタス
Brathähnchen|ローストチキン|Half a chicken with herbs|Ein halbes Hähnchen mit Kräutern|ハーブ風味の半身
Scholle mit Kartoffeln|かれいのムニエル、ポテト添え|Pan-fried in butter|In Butter gebraten|バターで焼いたかれい
Steak mit Pommes|ステーキとフライドポテト|Rump steak, 220 g|Rumpsteak, 220 g|ランプステーキ 220g
Pommes|フライドポテト|Twice fried, sea salt|Zweimal frittiert, Meersalz|二度揚げ、海塩
Beilagensalat|サイドサラダ|Leaves with mustard dressing|Blattsalat mit Senfdressing|マスタードドレッシングのグリーンサラダ
Knoblauchbrot|ガーリックブレッド|With butter and parsley|Mit Butter und Petersilie|バターとパセリ
Käsekuchen|チーズケーキ|Baked, with vanilla|Gebacken, mit Vanille|バニラ香るベイクドチーズケーキ
Apfelkuchen|アップルパイ|Warm, with cinnamon|Warm, mit Zimt|温かいシナモン風味
Karottenkuchen|キャロットケーキ|With walnuts|Mit Walnüssen|くるみ入り
Schokoladenbrownie|チョコレートブラウニー|Dark chocolate, soft inside|Zartbitter, innen weich|しっとりしたビターチョコレート
Zwei Kugeln Eis|アイスクリーム（2スクープ）|Ask for the flavours of today|Fragen Sie nach den Sorten des Tages|本日のフレーバーはスタッフまで
"""

# English | the German word before -straße | Japanese
_STREETS = """
Alder|Erlen|アルダー
Amber|Bernstein|アンバー
Anchor|Anker|アンカー
Barley|Gersten|バーレイ
Beacon|Leuchtfeuer|ビーコン
Birch|Birken|バーチ
Bramble|Brombeer|ブランブル
Canal|Kanal|カナル
Cedar|Zedern|シダー
Chandler|Kerzenmacher|チャンドラー
Clover|Klee|クローバー
Cooper|Böttcher|クーパー
Elm|Ulmen|エルム
Fennel|Fenchel|フェンネル
Ferry|Fähr|フェリー
Foundry|Gießerei|ファウンドリー
Gable|Giebel|ゲーブル
Garden|Garten|ガーデン
Gull|Möwen|ガル
Hazel|Hasel|ヘーゼル
Heath|Heide|ヒース
Heron|Reiher|ヘロン
Juniper|Wacholder|ジュニパー
Lantern|Laternen|ランタン
Lark|Lerchen|ラーク
Linden|Linden|リンデン
Maple|Ahorn|メープル
Meadow|Wiesen|メドウ
Mill|Mühlen|ミル
Oyster|Austern|オイスター
Quay|Kai|キー
Rowan|Ebereschen|ローワン
Sailmaker|Segelmacher|セイルメーカー
Willow|Weiden|ウィロー
"""

# category of a place | German | Japanese
_KINDS = """
office|Büro|オフィス
station|Bahnhof|駅
restaurant|Restaurant|レストラン
shopping|Einkaufszentrum|ショッピングセンター
gym|Fitnessstudio|ジム
cinema|Kino|映画館
school|Schule|学校
park|Park|公園
airport|Flughafen|空港
hospital|Krankenhaus|病院
place of worship|Gotteshaus|礼拝所
"""


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


_OFFERS = """
Croissant zu jedem Kaffee, zum halben Preis|コーヒーとご一緒のクロワッサン半額
Zweiter Kaffee des Tages, 30 % günstiger|本日2杯目のコーヒー30%引き
Bowl der Woche, 20 % günstiger|今週のボウル20%引き
Suppe mit Brötchen, 15 % günstiger|スープとパン15%引き
Kuchenstunde, 25 % günstiger|ケーキタイム25%引き
Burgerabend, 15 % günstiger|バーガーナイト15%引き
Pizza für zwei, 20 % günstiger|2人でピザ20%引き
Pasta-Abend, 15 % günstiger|パスタの夕べ15%引き
Spätes Sandwich, 25 % günstiger|深夜のサンドイッチ25%引き
Frühstücksbowl, 20 % günstiger|朝食ボウル20%引き
Einen Salat probieren, 30 % günstiger|サラダお試し30%引き
10 % auf alles, was Sie mögen|お好きなもの全品10%引き
"""


def offer_names(k: int) -> dict[str, str]:
    """The names of the offer at place `k` of the list, by language."""
    german, japanese = _rows(_OFFERS)[k]
    return {"de": german, "ja": japanese}


def dish_names(k: int) -> dict[str, str]:
    """The names of the dish at place `k` of the menu, by language."""
    german, japanese, *_ = _rows(_DISHES)[k]
    return {"de": german, "ja": japanese}


def dish_texts(k: int) -> dict[str, str]:
    """Its short texts, by language."""
    *_, english, german, japanese = _rows(_DISHES)[k]
    return {"de": german, "en": english, "ja": japanese}


def place_names(street: str, category: str, *, sensitive: bool) -> dict[str, str]:
    """The names of a place, by language. A sensitive one begins with its street: its first word may be shown."""
    german, japanese = next(row[1:] for row in _rows(_STREETS) if row[0] == street)
    if category == "residential":
        return {"de": f"{german}straße", "ja": f"{japanese}通り"}
    german_kind, japanese_kind = next(row[1:] for row in _rows(_KINDS) if row[0] == category)
    if sensitive:
        return {"de": f"{german}straße, {german_kind}", "ja": f"{japanese} {japanese_kind}"}
    return {"de": f"{german_kind} {german}straße", "ja": f"{japanese}{japanese_kind}"}
