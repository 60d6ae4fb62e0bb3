// From a picture with one face in it to the face's unit vector.

import { shrinkFactor } from "./detect.js";
import { shrunk } from "./face.js";
import { planes, shrinkByPowerOfTwo } from "./pixels.js";
import { unit } from "./vectors.js";
import { scaleOf, similarity, warpSmall } from "./warp.js";

export class Embedder {
  /**
   * @param network takes numbers and a shape, gives named numbers
   * @param {{refined: Function}} detector finds the landmarks of a face once more, better
   * @param {{side: number, alignment: number[][]}} input the crop, and where the landmarks lie in it
   */
  constructor(network, detector, { side, alignment }) {
    Object.assign(this, { network, detector, side, alignment });
  }

  /** The unit vector of the face. @throws {RangeError} the network gave no vector */
  async embed(crop, found) {
    const [picture, face] = this.#asSmallAsCan(crop, found);
    const landmarks = face.covered ? face.landmarks : await this.detector.refined(picture, face);
    const upright = warpSmall(picture, similarity(landmarks, this.alignment), this.side);
    const [vector] = Object.values(await this.network(planes(upright), [1, 3, this.side, this.side]));
    return unit(vector);
  }

  /** Pixels that the networks would drop are dropped at once. */
  #asSmallAsCan(picture, face) {
    const larger = 1 / Math.max(scaleOf(similarity(face.landmarks, this.alignment)), 1e-6);
    const [small, factor] = shrinkByPowerOfTwo(picture, Math.min(larger, shrinkFactor(face)));
    return [small, factor === 1 ? face : shrunk(face, factor)];
  }
}
