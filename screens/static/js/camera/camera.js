// The camera: on after a press, off at the result. Pictures stay in memory.

import { CameraChoice, after, cameraIds } from "./choice.js";
import { NoCamera, demandCameras, troubleOf } from "./trouble.js";
import { SIZE, WARM_UP_MS, pause, pictureOf } from "../usual.js";

export class Camera {
  /** @param {HTMLVideoElement} video shows what the camera sees, mirrored by the style sheet */
  constructor(video) {
    this.video = video;
    this.choice = new CameraChoice();
    this.stream = null;
    this.lost = null; // why the stream ended by itself
    this.turn = 0; // changes at each start and stop, so that a stop during a start wins
    this.onLost = () => {}; // the camera was unplugged, or taken away, while it ran
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#look());
  }

  get on() {
    return this.stream !== null;
  }

  /**
   * Start, and return once a picture is there.
   * @throws {NoCamera}
   */
  async start() {
    if (this.on) return;
    this.lost = null;
    const turn = ++this.turn;
    demandCameras();
    const stream = await this.#open();
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      throw new NoCamera("failed", "stopped before it had started");
    }
    this.stream = stream;
    for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => this.#gone(stream));
    this.video.srcObject = stream;
    this.video.parentElement.dataset.turn = String(this.choice.turn);
    await this.video.play().catch(() => {
      throw new NoCamera(this.lost ?? "failed", "the picture does not start");
    });
    await pause(WARM_UP_MS);
    if (this.lost) throw new NoCamera(this.lost);
  }

  /** A stream of the chosen camera; of the front one when the chosen one is not there. */
  async #open() {
    const ask = () => navigator.mediaDevices.getUserMedia({ audio: false, video: this.choice.wanted(SIZE.width, SIZE.height) });
    try {
      return await ask();
    } catch (error) {
      if (!this.choice.id || !["OverconstrainedError", "NotFoundError"].includes(error?.name)) throw troubleOf(error);
    }
    this.choice.id = ""; // for this time: the setting stays, the camera may come back
    try {
      return await ask();
    } catch (error) {
      throw troubleOf(error);
    }
  }

  /**
   * @param {number} count how many pictures
   * @param {number} gapMs time between two of them
   * @param {(video, turn) => any} take what is taken of the video; JPEG in base64, without the data: prefix
   * @returns {Promise<any[]>}
   */
  async frames(count, gapMs, take = pictureOf) {
    const frames = [];
    for (let i = 0; i < count; i += 1) {
      if (i) await pause(gapMs);
      if (!this.on) throw new NoCamera(this.lost ?? "failed", "the camera was stopped");
      frames.push(take(this.video, this.choice.turn));
    }
    return Promise.all(frames);
  }

  /** Use the next camera, also in the middle. @returns {Promise<boolean>} false when there is no other */
  async other() {
    const used = this.usedId;
    const next = after(await cameraIds(), used);
    if (next === null) return false;
    this.stop(); // one stream at a time: some devices give no second one
    this.choice.use(next);
    return true;
  }

  /** The id of the camera that runs, or that would. */
  get usedId() {
    return this.stream?.getVideoTracks()[0]?.getSettings?.().deviceId ?? this.choice.id;
  }

  /** Turn the picture by a quarter. */
  turnOn() {
    this.choice.turnOn();
    this.video.parentElement.dataset.turn = String(this.choice.turn);
  }

  /** Cameras were plugged in or out. */
  async #look() {
    const { stream, usedId } = this;
    if (!stream || !usedId) return;
    const ids = await cameraIds();
    if (ids.some(Boolean) && !ids.includes(usedId)) this.#gone(stream);
  }

  #gone(stream) {
    if (stream !== this.stream) return;
    this.stop();
    this.lost = "lost";
    this.onLost();
  }

  /** Switch the camera off at once, also during a start. */
  stop() {
    this.turn += 1;
    if (!this.stream) return;
    for (const track of this.stream.getTracks()) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }
}
