// The pictures of one press, from detection to vectors: what the server does with pictures, in the same order.

import { judge, poseOf } from "./challenge.js";
import { choose, isolate } from "./choose.js";
import { withMask } from "./mask.js";
import { checkQuality, qualityHint, qualityOf } from "./quality.js";
import { Refusal } from "./refusal.js";
import { cosine, inBytes } from "./vectors.js";

const MIDDLE_OF_MOVES = 0.9; // a person who turns and comes closer may leave the middle

export class Press {
  /**
   * @param {{pack: string, masks: boolean, detector, embedder}} parts `pack` is the id of what makes the vectors, `masks`
   *   says whether who joins is known with a mask, too
   */
  constructor({ pack, masks, detector, embedder }) {
    Object.assign(this, { pack, masks, detector, embedder });
  }

  /**
   * @param {object[]} pictures of `fromCanvas`
   * @param {{least: number, enrolling: boolean, steps: string[], moves: object[], alike: number}} asked `least` pictures
   *   must be usable; `moves` are pictures of the challenge's `steps`, in which the face has at least the cosine `alike`
   * @returns {Promise<{pack, vectors: Int8Array[], scales: Float32Array, masked: {numbers, scale}[], claims}>} `masked`
   *   are the vectors of an enrolment with a mask drawn over the face
   * @throws {Refusal} of the first picture when too few are usable, and of any with two people
   */
  async look(pictures, { least = 1, enrolling = false, steps = [], moves = [], alike = 1 } = {}) {
    const seen = [];
    for (const picture of pictures) seen.push(await this.#seen(picture, enrolling));
    const captures = seen.filter(({ vector }) => vector);
    if (captures.length < least) throw seen.find(({ refusal }) => refusal)?.refusal ?? new Refusal("no_face");
    const qualities = captures.map(({ faces, quality }) => ({ ...quality, faces: faces.length }));
    const liveness = await this.#liveness(seen[0], steps, moves, alike);
    const sent = captures.map(({ vector }) => inBytes(vector));
    return {
      pack: this.pack,
      vectors: sent.map(({ numbers }) => numbers),
      scales: Float32Array.from(sent, ({ scale }) => scale),
      masked: captures.flatMap(({ masked }) => (masked ? [inBytes(masked)] : [])),
      claims: { qualities, hint: qualityHint(qualities), liveness, moves: moves.length ? steps : [] },
    };
  }

  /** One picture: its face with a vector, or with a refusal. */
  async #seen(picture, enrolling) {
    const faces = await this.detector.detect(picture);
    try {
      return { faces, picture, ...(await this.#capture(picture, faces, enrolling)) };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === "several_faces") throw error;
      return { faces, picture, refusal: error };
    }
  }

  async #capture(picture, faces, enrolling) {
    const chosen = choose(faces, picture);
    const quality = qualityOf(picture, chosen);
    checkQuality(quality);
    if (enrolling && quality.cover !== "none") throw new Refusal("face_covered");
    const [crop, face] = isolate(picture, faces, chosen, quality.cover === "mask");
    const masked = enrolling && this.masks ? await this.embedder.embed(withMask(crop, face), { ...face, covered: true }) : null;
    return { quality, vector: await this.embedder.embed(crop, face), masked };
  }

  /** Whether the face of the first picture made the moves: not_run, passed or failed. */
  async #liveness(first, steps, moves, alike) {
    if (!moves.length) return "not_run";
    const made = [];
    for (const picture of moves) made.push({ picture, faces: await this.detector.detect(picture) });
    const reference = poseIn(first);
    if (!first.vector || !reference) return "failed";
    const state = judge(steps, reference, made.map(poseIn));
    if (state !== "passed") return state;
    // Looking straight ahead from near, the face can be compared: nobody else made the moves.
    const { picture, faces } = made[steps.indexOf("closer")];
    try {
      const { vector } = await this.#capture(picture, faces, false);
      return cosine(first.vector, vector) >= alike ? "passed" : "failed";
    } catch (error) {
      if (error instanceof Refusal) return "failed";
      throw error;
    }
  }
}

/** The pose of the one face in a picture; null without a face or with several. */
function poseIn({ faces, picture }) {
  try {
    return poseOf(choose(faces, picture, MIDDLE_OF_MOVES));
  } catch {
    return null;
  }
}
