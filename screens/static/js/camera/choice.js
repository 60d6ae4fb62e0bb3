// Which camera this device uses and how it is mounted: a setting of the device, kept in its browser.

import { keep, kept } from "../browser/kept.js";

const NAME = "camera";
const TURNS = [0, 90, 180, 270];

export class CameraChoice {
  constructor() {
    const { id = "", turn = 0 } = kept(NAME, {});
    this.id = typeof id === "string" ? id : ""; // "" is the front camera
    this.turn = TURNS.includes(turn) ? turn : 0; // degrees by which pictures are turned, clockwise
  }

  /** The constraints to ask for: the chosen camera, else the front one, which a browser may also refuse to know. */
  wanted(width, height) {
    const size = { width: { ideal: width }, height: { ideal: height } };
    return this.id ? { ...size, deviceId: { exact: this.id } } : { ...size, facingMode: "user" };
  }

  use(id) {
    this.id = id;
    this.#keep();
  }

  turnOn() {
    this.turn = TURNS[(TURNS.indexOf(this.turn) + 1) % TURNS.length];
    this.#keep();
  }

  #keep() {
    keep(NAME, { id: this.id, turn: this.turn });
  }
}

/** The ids of the cameras that are plugged in. Without a permission a browser may name one without an id, or none. */
export async function cameraIds() {
  const devices = await navigator.mediaDevices?.enumerateDevices?.().catch(() => []);
  return (devices ?? []).filter((one) => one.kind === "videoinput").map((one) => one.deviceId);
}

/** The camera after `id` in the list, or null when there is no other. */
export function after(ids, id) {
  const others = ids.filter((one) => one && one !== id);
  if (!others.length) return null;
  const place = ids.indexOf(id);
  return ids.slice(place + 1).find((one) => others.includes(one)) ?? others[0];
}
