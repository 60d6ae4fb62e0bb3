// What one visit at the kiosk holds. Nothing else in the page has data of a person.

import { Basket } from "../basket.js";
import { Visit } from "../stage.js";

export class Order extends Visit {
  constructor() {
    super();
    this.basket = new Basket();
    this.offer = null;
    this.taken = null; // the offer that the person accepted for this order
    this.unanswered = false; // the newest request for suggestions failed
    this.asked = 0; // number of the newest request: older replies are ignored
    this.change = () => ""; // what the last change of the basket was, for the line that takes it back
    this.said = ""; // the name of the sentence about an order that was placed
    this.problems = []; // see basket.js, problemsOf
    this.replied = []; // what the server did not take as it stood: see taken.js
    this.dish = null; // on the page of a dish: {item, key of the line or null, options, note, quantity, from}
    this.diets = []; // chosen filters; they never leave the page
    this.without = [];
  }

  /** The token, for what the person agreed to. */
  tokenFor(purpose) {
    return this.purposes.includes(purpose) ? this.token : undefined;
  }
}
