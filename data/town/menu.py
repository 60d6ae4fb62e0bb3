"""The menu, the offers and the map of Lindenholm, a town on an island that does not exist."""

from __future__ import annotations

import numpy as np

from data.town.languages import dish_names, dish_texts, offer_names, place_names
from data.town.options import options_of_dish
from recommender.offers.discount import Discount
from recommender.offers.portfolio import Offer
from recommender.scene import Item

ZONE = "Europe/Berlin"
CENTRE = (54.45, 6.95)  # degrees; open sea on any real map
SITES = ("harbour", "market", "station", "campus")
DAYPARTS = ("breakfast", "lunch", "afternoon", "dinner", "night")
WINDOWS = {"breakfast": (6, 11), "lunch": (11, 15), "afternoon": (14, 18), "dinner": (17, 22), "night": (21, 24)}
HOURS = {"breakfast": 8.0, "lunch": 12.5, "afternoon": 15.5, "dinner": 19.0, "night": 22.3}

# name | category | price in cents | dayparts | allergens | tags | how popular it is at first sight
_MENU = """
Flat white|coffee|380|breakfast,afternoon|milk|vegetarian,hot|9
Cappuccino|coffee|360|breakfast,afternoon|milk|vegetarian,hot|9
Espresso|coffee|250|||hot,vegan|6
Filter coffee|coffee|290|breakfast,lunch||hot,vegan|7
Oat latte|coffee|420|breakfast,afternoon|gluten|hot,vegan|6
Iced coffee|coffee|440|afternoon|milk|vegetarian,cold|3
Earl Grey|tea|300|||hot,vegan|4
Fresh mint tea|tea|340|||hot,vegan|5
Chai latte|tea|410|breakfast,afternoon|milk|vegetarian,hot|3
Orange juice|cold drinks|390|breakfast||cold,vegan|5
Apple spritzer|cold drinks|320|lunch,dinner||cold,vegan|6
Rhubarb lemonade|cold drinks|370|lunch,afternoon,dinner||cold,vegan|5
Still water|cold drinks|230|||cold,vegan|6
Ginger shot|cold drinks|330|breakfast||cold,vegan|2
Island lager|bar|420|dinner,night|gluten|cold,alcohol|5
Alcohol-free wheat beer|bar|410|dinner,night|gluten|cold|3
House white wine|bar|560|dinner,night|sulphites|cold,alcohol|3
Butter croissant|bakery|260|breakfast|gluten,milk,egg|vegetarian|9
Almond croissant|bakery|340|breakfast|gluten,milk,egg,nuts|vegetarian,sweet|4
Cinnamon bun|bakery|330|breakfast,afternoon|gluten,milk,egg|vegetarian,sweet|6
Rye roll with cheese|bakery|390|breakfast|gluten,milk|vegetarian|5
Seeded bagel with salmon|bakery|690|breakfast,lunch|gluten,fish,milk,sesame||4
Porridge with apple|breakfast bowls|490|breakfast|gluten,milk|vegetarian,hot|4
Granola and yoghurt|breakfast bowls|540|breakfast|gluten,milk,nuts|vegetarian|5
Overnight oats with berries|breakfast bowls|520|breakfast|gluten|vegan|4
Scrambled eggs on toast|breakfast plates|720|breakfast|egg,gluten,milk|vegetarian,hot|5
Farmer's breakfast|breakfast plates|890|breakfast|egg,milk|hot|3
Shakshuka|breakfast plates|920|breakfast,lunch|egg|vegetarian,hot,spicy|4
Tomato soup|soups|560|lunch,dinner|celery|vegan,hot|5
Lentil soup|soups|620|lunch,dinner|celery|vegan,hot|5
Fish chowder|soups|780|lunch,dinner|fish,milk,celery|hot|3
Caesar salad|salads|940|lunch,dinner|egg,fish,milk,gluten||6
Beetroot and feta salad|salads|920|lunch,dinner|milk|vegetarian|4
Falafel bowl|bowls|1090|lunch,dinner|sesame|vegan|7
Salmon rice bowl|bowls|1290|lunch,dinner|fish,soy,sesame||6
Chicken teriyaki bowl|bowls|1240|lunch,dinner|soy,sesame,gluten|hot|6
Tofu noodle bowl|bowls|1120|lunch,dinner|soy,gluten|vegan,hot,spicy|4
Club sandwich|sandwiches|990|lunch|gluten,egg,milk||6
Grilled cheese sandwich|sandwiches|790|lunch,night|gluten,milk|vegetarian,hot|5
Hummus wrap|sandwiches|760|lunch|gluten,sesame|vegan|5
Fish roll|sandwiches|690|lunch,afternoon|gluten,fish||5
Margherita|pizza|980|lunch,dinner,night|gluten,milk|vegetarian,hot|8
Pizza diavola|pizza|1180|dinner,night|gluten,milk|hot,spicy|6
Pizza with mushrooms|pizza|1120|dinner,night|gluten,milk|vegetarian,hot|4
Spaghetti bolognese|pasta|1160|lunch,dinner|gluten,celery|hot|7
Pesto linguine|pasta|1080|lunch,dinner|gluten,nuts,milk|vegetarian,hot|5
Lasagne|pasta|1190|dinner|gluten,milk,egg,celery|hot|5
Cheeseburger|grill|1240|lunch,dinner,night|gluten,milk,egg|hot|8
Veggie burger|grill|1190|lunch,dinner,night|gluten,soy|vegan,hot|5
Roast chicken|grill|1390|dinner||hot|4
Plaice with potatoes|grill|1690|dinner|fish,milk|hot|4
Steak and chips|grill|2190|dinner||hot|2
Chips|sides|420|lunch,dinner,night||vegan,hot|8
Side salad|sides|440|lunch,dinner|mustard|vegan|4
Garlic bread|sides|450|dinner,night|gluten,milk|vegetarian,hot|4
Cheesecake|cakes|450|afternoon,dinner|gluten,milk,egg|vegetarian,sweet|6
Apple pie|cakes|430|afternoon,dinner|gluten,milk|vegetarian,sweet|6
Carrot cake|cakes|440|afternoon|gluten,nuts,egg|vegetarian,sweet|4
Chocolate brownie|cakes|390|afternoon,night|gluten,milk,egg|vegetarian,sweet|5
Two scoops of ice cream|cakes|420|afternoon,dinner|milk|vegetarian,sweet,cold|5
"""

# name | category it is for ("" is everything) | percent off | least spend in cents | dayparts
_OFFERS = """
A croissant with any coffee, half price|bakery|50|350|breakfast
Second coffee of the day, 30 % off|coffee|30|0|afternoon
Bowl of the week, 20 % off|bowls|20|0|lunch
Soup and roll, 15 % off|soups|15|500|lunch
Cake hour, 25 % off|cakes|25|0|afternoon
Burger night, 15 % off|grill|15|1000|dinner
Pizza for two, 20 % off|pizza|20|1800|dinner
Pasta evening, 15 % off|pasta|15|1000|dinner
Late plate, 25 % off|sandwiches|25|0|night
Breakfast bowl, 20 % off|breakfast bowls|20|0|breakfast
Try a salad, 30 % off|salads|30|0|lunch
10 % off whatever you like||10|1200|
"""

# category | how many | how often visited | far from the centre (km) | sensitive
_PLACES = (
    ("residential", 34, 2, 4.2, False),
    ("office", 10, 3, 2.2, False),
    ("station", 3, 9, 1.5, False),
    ("restaurant", 8, 4, 1.6, False),
    ("shopping", 5, 5, 1.8, False),
    ("gym", 4, 3, 2.4, False),
    ("cinema", 2, 3, 1.4, False),
    ("school", 4, 2, 2.8, False),
    ("park", 4, 2, 2.6, False),
    ("airport", 1, 7, 6.5, False),
    ("hospital", 2, 2, 2.6, True),
    ("place of worship", 3, 1, 2.0, True),
)
_STREETS = (
    *("Alder", "Amber", "Anchor", "Barley", "Beacon", "Birch", "Bramble", "Canal", "Cedar", "Chandler", "Clover"),
    *("Cooper", "Elm", "Fennel", "Ferry", "Foundry", "Gable", "Garden", "Gull", "Hazel", "Heath", "Heron"),
    *("Juniper", "Lantern", "Lark", "Linden", "Maple", "Meadow", "Mill", "Oyster", "Quay", "Rowan", "Sailmaker"),
    "Willow",
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _rows(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.strip().splitlines()]


def dishes() -> list[Item]:
    """60 dishes, `dish-01` to `dish-60`."""
    return [
        Item(
            item_id=f"dish-{k:02d}",
            name=name,
            category=category,
            price=int(price),
            dayparts=_words(dayparts),
            allergens=_words(allergens),
            tags=_words(tags),
            names=dish_names(k - 1),
            texts=dish_texts(k - 1),
            options=options_of_dish(name),
        )
        for k, (name, category, price, dayparts, allergens, tags, _) in enumerate(_rows(_MENU), 1)
    ]


def dish_popularity() -> np.ndarray:
    """How often a dish is taken by somebody without a habit, shape (60,)."""
    return np.array([float(row[6]) for row in _rows(_MENU)])


def offers() -> list[Offer]:
    """12 offers, `offer-01` to `offer-12`: shown at most once a week to one customer, 2,000 redemptions each."""
    menu, made = dishes(), []
    for k, (name, category, percent, spend, daypart) in enumerate(_rows(_OFFERS), 1):
        meant = [dish for dish in menu if dish.category == category] if category else menu
        price = float(np.mean([dish.price or 0 for dish in meant]))
        opens, closes = WINDOWS.get(daypart, (0, 24))
        made.append(
            Offer(
                offer_id=f"offer-{k:02d}",
                name=name,
                names=offer_names(k - 1),
                text=f"{percent} % off, the same for everybody",
                items=tuple(dish.item_id for dish in meant) if category else (),
                discount=Discount("percent", int(percent)),
                from_hour=opens,
                to_hour=closes,
                budget_count=2_000,
                cap_count=1,
                cap_days=7,
                redemption_cost=round(price * int(percent) / 100),
                min_spend=int(spend),
            )
        )
    return made


def places(rng: np.random.Generator) -> tuple[list[Item], np.ndarray]:
    """80 places, `place-01` to `place-80`, and how popular each is as a destination, shape (80,)."""
    made: list[Item] = []
    popular: list[float] = []
    for category, count, often, far, sensitive in _PLACES:
        for k in range(count):
            km = far * np.sqrt(rng.uniform(0.15, 1.6))
            angle = rng.uniform(0, 2 * np.pi)
            street = _STREETS[(k if category == "residential" else len(made) * 7) % len(_STREETS)]
            name = f"{street} Street" if category == "residential" else f"{street} {category}"
            made.append(
                Item(
                    item_id=f"place-{len(made) + 1:02d}",
                    name=name,
                    category=category,
                    lat=round(float(CENTRE[0] + km * np.sin(angle) / 111.2), 5),
                    lon=round(float(CENTRE[1] + km * np.cos(angle) / (111.2 * np.cos(np.radians(CENTRE[0])))), 5),
                    sensitive=sensitive,
                    names=place_names(street, category, sensitive=sensitive),
                )
            )
            popular.append(often * float(rng.uniform(0.5, 1.5)))
    return made, np.array(popular)
