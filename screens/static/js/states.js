// The states of a screen and the transitions between them. Pure: no page, no camera, no network.

export const STATES = Object.freeze([
  "elsewhere", // another tab of this browser is the screen
  "setup", // the operator chooses the camera
  "pairing", // nobody has paired this browser with a device yet
  "taxi_setup", // a taxi's tablet, right after it was paired: what the operator still has to do there
  "attract", // waiting for a person; nothing runs
  "press", // the person's own act
  "notice", // what is about to happen, in plain words; the camera starts
  "consent", // opting in: the notice and three purposes, none ticked
  "capture", // a few pictures, one hint at a time
  "low_quality", // the picture could not be used: a hint, then once more
  "matched",
  "unknown",
  "ambiguous",
  "greet", // without a name
  "code", // without a face: the customer's code
  "pin", // chosen when opting in; asked for with a code, before a place is shown, and before forgetting
  "suggest",
  "menu", // everything there is, the same for everybody
  "dish", // one dish: what is in it, its choices
  "basket", // a taxi: the destination, before it is confirmed
  "done",
  "receipt", // opting in: the code is shown; only its confirmation brings the customer into force
  "joined",
  "optout", // choosing how to be forgotten
  "forgotten", // what became of it: forgotten, paused, or nobody found; also of an opt-in that was not confirmed
  "reading", // the notice or the policy
  "forget", // everything of this visit is thrown away
]);

/** The only states in which a camera may run. */
export const CAMERA_STATES = Object.freeze(["notice", "capture", "low_quality", "setup"]);

/** The states in which a recognised person sees something of theirs: "Not me" is on the screen in each. */
export const PERSONAL_STATES = Object.freeze(["matched", "greet", "pin", "suggest", "menu", "dish", "basket"]);

/** Automatic tries before the screen goes on without a face. */
export const MAX_TRIES = 3;

/** From where a text can be opened to be read, and the event that leads back there. */
export const READERS = Object.freeze({ attract: "to_attract", consent: "to_consent", suggest: "to_suggest" });

const MOVES = Object.freeze({
  pairing: { paired: "attract", setup: "setup" },
  elsewhere: { here: "attract" },
  setup: { done: "attract" },
  attract: {
    press: "press",
    guest: "suggest",
    code: "code",
    join: "consent",
    opt_out: "optout",
    read: "reading",
    setup: "setup",
    taxi_setup: "taxi_setup",
  },
  taxi_setup: { taxi_setup_done: "attract" },
  press: { explained: "notice" },
  notice: { look: "capture", no_camera: "unknown", failed: "unknown" },
  consent: { agreed: "pin", read: "reading" },
  capture: {
    matched: "matched",
    unknown: "unknown",
    ambiguous: "ambiguous",
    low_quality: "low_quality",
    no_camera: "unknown",
    failed: "unknown",
    pin: "pin",
    enrolled: "receipt",
    forgotten: "forgotten",
    guest: "suggest",
    back: "pin",
  },
  low_quality: { again: "capture", give_up: "unknown", no_camera: "unknown", guest: "suggest", back: "pin" },
  matched: { greet: "greet" },
  unknown: { guest: "suggest", press: "press", join: "consent", look: "capture", second_factor: "pin", code: "code" },
  ambiguous: { guest: "suggest", press: "press", second_factor: "pin", code: "code" },
  greet: { suggest: "suggest", second_factor: "pin", not_me: "suggest" },
  code: { typed: "pin", join: "consent", press: "press" },
  pin: {
    raised: "suggest",
    matched: "matched",
    look: "capture",
    enrolled: "receipt",
    failed: "unknown",
    back: "consent",
    code: "code",
    opt_out: "optout",
    guest: "suggest",
    not_me: "suggest",
  },
  receipt: { confirmed: "joined", undone: "forgotten" },
  joined: { press: "press", code: "code" },
  suggest: { menu: "menu", basket: "basket", not_me: "suggest", press: "press", read: "reading", second_factor: "pin", dish: "dish" },
  menu: { back: "suggest", basket: "basket", dish: "dish", order: "done", not_me: "suggest" },
  dish: { to_suggest: "suggest", to_menu: "menu", to_basket: "basket", not_me: "suggest" },
  basket: { back: "suggest", menu: "menu", dish: "dish", order: "done", not_me: "suggest" },
  done: { changed: "basket" }, // the menu had changed: the order was not taken
  optout: { press: "press", forgotten: "forgotten" },
  forgotten: { opt_out: "optout", press: "press", join: "consent" },
  reading: { to_attract: "attract", to_consent: "consent", to_suggest: "suggest" },
  forget: { forgotten: "attract" },
});

/**
 * The state that follows. `idle` and `leave` lead to `forget` from anywhere that can hold something of a
 * person; `unpaired` leads to `pairing` and `taken` to `elsewhere` from anywhere.
 * @throws {Error} when the event does not belong to the state
 */
export function next(state, event) {
  if (!(state in MOVES)) throw new Error(`there is no state ${state}`);
  if (event === "unpaired") return "pairing";
  if (event === "taken") return "elsewhere";
  if (event === "idle" || event === "leave") {
    return ["attract", "pairing", "forget", "elsewhere", "setup"].includes(state) ? state : "forget";
  }
  const to = MOVES[state][event];
  if (to === undefined) throw new Error(`${event} does not belong to the state ${state}`);
  return to;
}

/** The events that belong to a state, besides idle, leave and unpaired. */
export function eventsOf(state) {
  return Object.keys(MOVES[state]);
}

/** From the code of a failed capture to the name of a sentence. */
const HINTS = Object.freeze({
  no_face: "hint_look",
  several_faces: "hint_one_person",
  face_too_small: "hint_closer",
  face_off_centre: "hint_middle",
  face_turned: "hint_straight",
  face_blurred: "hint_still",
  too_dark: "hint_light",
  too_bright: "hint_less_light",
  face_covered: "hint_uncover",
  too_few_frames: "hint_look",
  frames_identical: "hint_again",
  frames_differ: "hint_one_person",
  press_expired: "hint_again",
});

/** From the hint of a reply without a match to the name of a sentence; other hints have no sentence. */
const ADVICE = Object.freeze({
  come_closer: "hint_closer",
  look_straight_ahead: "hint_straight",
  hold_still: "hint_still",
  more_light: "hint_light",
  less_light: "hint_less_light",
  try_again: "hint_again",
  give_the_pin: "hint_pin",
  use_your_code: "hint_code",
});

/** The sentence for an answer's hint, or null. */
export function adviceFor(hint) {
  return ADVICE[hint] || null;
}

/** The hint for a problem's code, or null when no other picture would help. */
export function hintFor(problem) {
  if (problem.code in HINTS) return HINTS[problem.code];
  return problem.hint ? "hint_again" : null;
}
