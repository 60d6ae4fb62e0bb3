"""Sizes and extras of the menu of Lindenholm. The first of a group that takes one costs what the menu says."""

from __future__ import annotations

from recommender.item import Choice, OptionGroup


def _choice(one: str, name: str, german: str, japanese: str, price: int = 0) -> Choice:
    return Choice(one, name, {"de": german, "ja": japanese}, price)


def _extras(*choices: Choice) -> OptionGroup:
    return OptionGroup("extras", "Extras", {"de": "Extras", "ja": "トッピング"}, "many", choices)


SIZE = OptionGroup(
    "size",
    "Size",
    {"de": "Größe", "ja": "サイズ"},
    "one",
    (_choice("regular", "Regular", "Normal", "レギュラー"), _choice("large", "Large", "Groß", "ラージ", 60)),
)
MILK = OptionGroup(
    "milk",
    "Milk",
    {"de": "Milch", "ja": "ミルク"},
    "one",
    (
        _choice("whole-milk", "Whole milk", "Vollmilch", "牛乳"),
        _choice("oat-drink", "Oat drink", "Haferdrink", "オーツミルク", 40),
        _choice("soy-drink", "Soy drink", "Sojadrink", "豆乳", 40),
    ),
)
BURGER = _extras(
    _choice("extra-cheese", "Extra cheese", "Extra Käse", "チーズ追加", 120),
    _choice("bacon", "Bacon", "Speck", "ベーコン", 180),
    _choice("no-onions", "No onions", "Ohne Zwiebeln", "玉ねぎ抜き"),
)
VEGAN_BURGER = _extras(
    _choice("avocado", "Avocado", "Avocado", "アボカド", 180),
    _choice("no-onions", "No onions", "Ohne Zwiebeln", "玉ねぎ抜き"),
)
PIZZA = _extras(
    _choice("mushrooms", "Mushrooms", "Pilze", "きのこ", 150),
    _choice("olives", "Olives", "Oliven", "オリーブ", 120),
    _choice("extra-mozzarella", "Extra mozzarella", "Extra Mozzarella", "モッツァレラ追加", 160),
)
WINE = OptionGroup(
    "glass",
    "Glass",
    {"de": "Glas", "ja": "グラス"},
    "one",
    (
        _choice("glass-200", "0.2 l", "0,2 l", "200ml"),
        _choice("glass-100", "0.1 l", "0,1 l", "100ml", -240),
        _choice("carafe-500", "0.5 l carafe", "0,5-l-Karaffe", "カラフェ 500ml", 690),
    ),
)
BEER = OptionGroup(
    "glass",
    "Glass",
    {"de": "Glas", "ja": "グラス"},
    "one",
    (
        _choice("glass-400", "0.4 l", "0,4 l", "400ml"),
        _choice("glass-300", "0.3 l", "0,3 l", "300ml", -90),
    ),
)

_OF = {
    "Flat white": (MILK,),
    "Cappuccino": (SIZE, MILK),
    "Filter coffee": (SIZE,),
    "Oat latte": (SIZE,),
    "Iced coffee": (SIZE, MILK),
    "Chai latte": (SIZE, MILK),
    "Orange juice": (SIZE,),
    "Apple spritzer": (SIZE,),
    "Rhubarb lemonade": (SIZE,),
    "Island lager": (BEER,),
    "House white wine": (WINE,),
    "Margherita": (PIZZA,),
    "Pizza diavola": (PIZZA,),
    "Pizza with mushrooms": (PIZZA,),
    "Cheeseburger": (BURGER,),
    "Veggie burger": (VEGAN_BURGER,),
    "Chips": (SIZE,),
}


def options_of_dish(name: str) -> tuple[OptionGroup, ...]:
    """What can be chosen of a dish of the menu, by its English name."""
    return _OF.get(name, ())
