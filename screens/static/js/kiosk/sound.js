// Short tones, only where the house has switched them on. Whatever they say stands on the screen too.

const TONES = { added: [660], done: [523, 784], problem: [330, 262] };
const TONE_S = 0.09;

export class Sound {
  /** @param {() => boolean} wanted */
  constructor(wanted) {
    this.wanted = wanted;
    this.context = null;
  }

  /** @param {keyof typeof TONES} name */
  play(name) {
    if (!this.wanted() || !window.AudioContext) return;
    this.context ??= new AudioContext();
    TONES[name].forEach((frequency, at) => this.#tone(frequency, this.context.currentTime + at * TONE_S));
  }

  #tone(frequency, start) {
    const { context } = this;
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0.08 });
    volume.gain.setTargetAtTime(0, start + TONE_S * 0.7, 0.02); // no click at its end
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + TONE_S * 2);
  }
}
