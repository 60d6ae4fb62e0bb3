// Why a picture cannot be used: the server's codes and hints, so that a screen says the same in both modes.

/** From the code to the hint: what the person can do. */
const HINTS = Object.freeze({
  no_face: "look_at_the_camera",
  several_faces: "one_person_please",
  face_too_small: "come_closer",
  face_off_centre: "move_to_the_middle",
  face_turned: "look_straight_ahead",
  face_blurred: "hold_still",
  too_dark: "more_light",
  too_bright: "less_light",
  face_covered: "take_off_what_covers_your_face",
});

export class Refusal extends Error {
  /** @param {string} where at which side of the picture the face is, for face_off_centre */
  constructor(code, where = "") {
    super(code);
    Object.assign(this, { name: "Refusal", code, hint: HINTS[code], where });
  }
}
