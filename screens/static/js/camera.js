// The camera: on after a press, off at the result. Pictures stay in memory.

/** There is no camera, or the person or the device does not allow it. */
export class NoCamera extends Error {}

const WIDTH = 1280;
const HEIGHT = 960;
const QUALITY = 0.9;
const WARM_UP_MS = 150; // the first pictures of most cameras are dark

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Camera {
  /** @param {HTMLVideoElement} video shows what the camera sees, mirrored by the style sheet */
  constructor(video) {
    this.video = video;
    this.stream = null;
    this.turn = 0; // changes at each start and stop, so that a stop during a start wins
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
    const turn = ++this.turn;
    if (!navigator.mediaDevices) throw new NoCamera("this browser gives no camera to this address");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "user", width: { ideal: WIDTH }, height: { ideal: HEIGHT } },
      });
    } catch (error) {
      throw new NoCamera(String(error));
    }
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      throw new NoCamera("stopped before it had started");
    }
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play().catch(() => {
      throw new NoCamera("the picture does not start");
    });
    await pause(WARM_UP_MS);
  }

  /**
   * @param {number} count how many pictures
   * @param {number} gapMs time between two of them
   * @returns {Promise<string[]>} JPEG, base64, without the data: prefix
   */
  async frames(count, gapMs) {
    const frames = [];
    for (let i = 0; i < count; i += 1) {
      if (i) await pause(gapMs);
      if (!this.on) throw new NoCamera("the camera was stopped");
      frames.push(this.#picture());
    }
    return frames;
  }

  #picture() {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, WIDTH / videoWidth, HEIGHT / videoHeight);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    const text = canvas.toDataURL("image/jpeg", QUALITY);
    canvas.width = 0; // frees the pixels now, not at the next garbage collection
    return text.slice(text.indexOf(",") + 1);
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
