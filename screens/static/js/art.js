// The drawing for each dish or place. Pictures are drawn symbols; nobody's photograph is used.

const DISHES = [
  [/espresso|coffee|latte|cappuc|americano|flat white|mocha|macchiato|kaffee/, "coffee"],
  [/\btea\b|chai|matcha|tee\b/, "tea"],
  [/ice cream|sundae|gelato|sorbet/, "icecream"],
  [/beer|wine|cider|spritz|cocktail/, "glass"],
  [/juice|smoothie|lemonade|soda|cola|water|shake|iced|drink|beverage/, "glass"],
  [/croissant|pastry|danish|pretzel|scone|muffin|bun\b|roll\b|bakery/, "croissant"],
  [/cake|brownie|tart|pie|cookie|pudding|tiramisu|cheesecake|dessert|sweet|waffle|pancake/, "cake"],
  [/burger/, "burger"],
  [/egg|omelet|shakshuka|scramble|farmer/, "egg"],
  [/sandwich|toast|bagel|panini|wrap|baguette|ciabatta|club|melt|burrito|taco/, "sandwich"],
  [/pizza|flatbread|focaccia/, "pizza"],
  [/pasta|spaghetti|noodle|lasagn|ramen|penne|gnocchi|tagliatelle|udon|pho\b/, "noodles"],
  [/soup|stew|chowder|broth|curry|chili|bowl|risotto|rice|dal\b|porridge|muesli|granola|oat|yog/, "bowl"],
  [/salad|slaw|greens/, "salad"],
  [/fries|wedges|chips|rings|nuggets|side|snack|nachos/, "fries"],
  [/breakfast/, "egg"],
  [/fruit|apple|banana|berries|melon/, "fruit"],
];

const PLACES = [
  [/home|residen|house|flat/, "home"],
  [/office|work|campus|business|tower|harbour offices/, "work"],
  [/airport|terminal|flight/, "plane"],
  [/station|railway|train|metro|tram|central|transport|transit|ferry|bus/, "train"],
  [/hospital|clinic|doctor|pharmacy|health|dent/, "health"],
  [/school|university|college|library|museum|gallery|culture/, "book"],
  [/gym|pool|sport|stadium|fitness|climb|tennis|yoga/, "sport"],
  [/park|garden|zoo|lake|beach|forest|river|nature/, "tree"],
  [/restaurant|cafe|café|bar\b|pub|food|diner|bakery|night|eat/, "food"],
  [/cinema|theat|opera|concert|hall|club|leisure/, "mask"],
  [/shop|mall|market|store|centre|center/, "bag"],
  [/hotel|inn|hostel/, "bed"],
];

function match(table, row, otherwise) {
  // The name says more than the category.
  for (const text of [row.name, row.category]) {
    const words = String(text || "").toLowerCase();
    const found = table.find(([pattern]) => pattern.test(words));
    if (found) return found[1];
  }
  return otherwise;
}

/** The name of a symbol in dishes.svg. */
export const pictureOf = (item) => match(DISHES, item, "plate");

/** The name of a symbol in places.svg; only the category decides, because a place's name can be private. */
export const symbolOf = (item) => match(PLACES, { name: item.category, category: item.name }, "pin");
