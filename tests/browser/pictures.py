"""Which drawing belongs to which dish and place: tables written by hand, not taken from the pages."""

from __future__ import annotations

TOWN_DISHES = """
Flat white: flat-white
Cappuccino: cappuccino
Espresso: espresso
Filter coffee: coffee
Oat latte: oat-latte
Iced coffee: iced-coffee
Earl Grey: tea
Fresh mint tea: mint-tea
Chai latte: chai
Orange juice: orange-juice
Apple spritzer: apple-spritzer
Rhubarb lemonade: pink-lemonade
Still water: water
Ginger shot: ginger-shot
Island lager: beer
Alcohol-free wheat beer: alcohol-free-beer
House white wine: white-wine
Butter croissant: croissant
Almond croissant: almond-croissant
Cinnamon bun: cinnamon-bun
Rye roll with cheese: roll
Seeded bagel with salmon: salmon-bagel
Porridge with apple: porridge
Granola and yoghurt: granola
Overnight oats with berries: oats-berries
Scrambled eggs on toast: eggs-on-toast
Farmer's breakfast: farmers-breakfast
Shakshuka: shakshuka
Tomato soup: tomato-soup
Lentil soup: lentil-soup
Fish chowder: fish-chowder
Caesar salad: caesar-salad
Beetroot and feta salad: beetroot-salad
Falafel bowl: falafel-bowl
Salmon rice bowl: salmon-bowl
Chicken teriyaki bowl: chicken-bowl
Tofu noodle bowl: noodle-bowl
Club sandwich: club-sandwich
Grilled cheese sandwich: grilled-cheese
Hummus wrap: wrap
Fish roll: fish-roll
Margherita: pizza-margherita
Pizza diavola: pizza-salami
Pizza with mushrooms: pizza-mushrooms
Spaghetti bolognese: bolognese
Pesto linguine: pesto-pasta
Lasagne: lasagne
Cheeseburger: cheeseburger
Veggie burger: veggie-burger
Roast chicken: roast-chicken
Plaice with potatoes: fish-potatoes
Steak and chips: steak-chips
Chips: chips
Side salad: salad
Garlic bread: garlic-bread
Cheesecake: cheesecake
Apple pie: apple-pie
Carrot cake: carrot-cake
Chocolate brownie: brownie
Two scoops of ice cream: ice-cream
"""

TOWN_PLACES = """
residential: home
office: work
station: train
restaurant: restaurant
shopping: shopping
gym: gym
cinema: cinema
school: school
park: park
airport: airport
hospital: pin
place of worship: pin
"""
"""By category. Of the sensitive ones nobody sees what they are."""

OTHER_SHOPS = """
Chocolate cola cake | | | chocolate-cake
Chocolate brownie | | | brownie
Lager | bar | | glass
Lager | bar | alcohol | beer
Still water | drinks | | water
Eistee Pfirsich | | | iced-tea
Steak frites | | | steak-chips
Eggplant parmigiana | | | gratin
Hot dog (vegan) | | | plate
Hot dog | | | hot-dog
Hotdog | snacks | vegetarian | plate
ラテ | | | latte
Cola chicken | | | plate
Cola light | | | cola
Coca-Cola 0.5 l | Getränke | | cola
Ginger ale | soft drinks | | glass
Beer-battered fish | | alcohol | plate
Fish & Chips | mains | | plate
Egg roll | snacks | | plate
Sausage roll | bakery | | plate
Spring rolls | | vegan | plate
Chicken wings | | | plate
Teacake | | | plate
Tea cakes | cakes | | plate
Coffee cake | | | cake
Coffee ice cream | | | ice-cream
Burger bun | | | plate
Pizza bread | | | plate
Ham and cheese sandwich | | | sandwich
Onion rings | sides | | plate
Crab cakes | mains | | plate
Rice cakes | | | plate
Shepherd's pie | | | plate
Apple-Pie | | | apple-pie
Pineapple juice | | | glass
Watermelon | | | plate
Grapefruit | | | plate
Steakhouse fries | sides | | chips
Chips | snacks | | plate
Chips | sides | | chips
Chips | | | plate
Pizza Salami | Pizza | | pizza-salami
Pizza Diavola | | vegetarian | pizza
Pizza Diavola | | vegan | pizza-vegetables
Margherita | pizza | vegan | pizza-vegetables
Quattro Stagioni | Pizza | | pizza
Spaghetti Bolognese (vegan) | | | pasta
Caesar Salad | salads | vegan | salad
Cheeseburger | | vegetarian | veggie-burger
Veganer Burger | Burger | | veggie-burger
Beef burger | | | burger
Latte | | cold | iced-coffee
Iced latte macchiato | coffee | | iced-coffee
Soup of the day | | | soup
Tomatensuppe | | | tomato-soup
Kürbiscremesuppe | Suppen | | soup
Gulaschsuppe | | | plate
Kartoffelsalat | Salate | | plate
Rucolasalat | | | salad
Käsekuchen | Kuchen & Torten | | cheesecake
Reibekuchen | | | plate
Zwetschgenkuchen | | | cake
Pfannkuchen | | | pancakes
Leberkäse | Imbiss | | plate
Käsebrötchen | | | roll
Fischbrötchen | | | fish-roll
Bagel mit Lachs | Bäckerei | | salmon-bagel
Bagel mit Lachs | | vegan | bagel
Pommes rot-weiß | Beilagen | | chips
Currywurst mit Pommes | | | sausage
Schweinebraten | | | plate
Wein | | | plate
Rotwein | Getränke | alcohol | red-wine
Rotwein | Getränke | | glass
Alkoholfreies Weizen | Bier | | alcohol-free-beer
Kräutertee | Tee | | tea
Heiße Schokolade | Heißgetränke | | hot-chocolate
Reis | Beilagen | | rice
Milchreis | Nachtisch | | plate
Vanilleeis | Eis | | ice-cream
Preiselbeeren | | | plate
Schokoladenkuchen | | | chocolate-cake
Flammkuchen | | | pizza
Apfelschorle | Kaltgetränke | | apple-spritzer
Mineralwasser | | | water
Hausmischung | Kaffee | | coffee
Hausmischung | | | plate
抹茶ラテ | | | matcha
カフェラテ | ドリンク | | latte
アイスコーヒー | コーヒー | | iced-coffee
コーラ | | | cola
チョコレートケーキ | | | chocolate-cake
チーズケーキ | デザート | | cheesecake
ホットケーキ | | | pancakes
味噌ラーメン | | | ramen
ヴィーガンラーメン | | | noodle-bowl
カツカレー | | | plate
野菜カレー | | | curry
生ビール | お酒 | アルコール | beer
生ビール | お酒 | | glass
ノンアルコールビール | | | alcohol-free-beer
フライドポテト | サイド | | chips
ポテトサラダ | サラダ | | plate
シーザーサラダ | サラダ | | caesar-salad
ステーキ丼 | | | plate
マルゲリータ | ピザ | | pizza-margherita
ハンバーグ | | | plate
ハンバーガー | | | burger
寿司 | | vegan | veggie-sushi
親子丼 | 丼 | | plate
紅茶 | | | tea
水 | | | water
Zaubertrank | Getränke | | glass
Chocolate cookie | coffee | | cup
Espresso martini | | | glass
Irish coffee | coffee | | cup
"""
"""name | category | tags | symbol"""

OTHER_PLACES = """
Hauptbahnhof | Verkehr | train
Bahnhofstraße 3 | | pin
Parkhaus Mitte | | parking
Parker's Barbershop | | pin
東京駅 | | train
Kino | Freizeit | cinema
St. Mary's Church | | pin
Workout & Co. Gym | | gym
Hospitality Inn | | hotel
Linden Street | residential | home
Busan House of Soup | restaurants | restaurant
Schlosspark | | pin
Stadtpark | | park
市立図書館 | | library
Stationery shop | | shopping
"""
"""name | category | symbol"""


def pairs(table: str) -> dict[str, str]:
    """ "name: symbol" as a mapping."""
    return dict(line.rsplit(": ", 1) for line in table.strip().splitlines())


def rows(table: str) -> list[list[str]]:
    """The fields of each line."""
    return [[field.strip() for field in line.split("|")] for line in table.strip().splitlines()]
