// What a speaker pin sounds like from outside: when its pulse width begins to move and when it rests again, and what it was in
// between. Owns no register; hears what the PWM slices tell.
//
// A sound lies between a pin that is low and twice its peak, and rises and falls as a whole. Its frequency is counted by its
// passages through the middle of its highest swing, as far as that swing follows: a rise or a fall would shift them.

/** A width that has not moved for so long is silence, in ns: longer than half a period of 20 Hz. */
const REST_NANOS = 30e6;
/** What part of its highest swing is a whole one: samples need not meet the peak. */
const FULL = 0.9;

export class Ear {
  /** @param {(sound: {pin, nanos, on, hertz, lowest, highest, half}) => void} onSound a sound began or has ended */
  constructor(chip, onSound) {
    this.chip = chip;
    this.onSound = onSound;
    this.pins = new Map();
  }

  hear({ pin, nanos, cc, top }) {
    const heard = this.pins.get(pin) ?? { last: cc, sound: null };
    this.pins.set(pin, heard);
    const moved = cc !== heard.last;
    const { last } = heard;
    heard.last = cc;
    if (!moved) return;
    if (heard.sound === null) {
      heard.sound = { began: nanos, first: null, rising: null, rises: 0, passed: null, lowest: cc, highest: 0, heights: [] };
      this.onSound({ pin, nanos, on: true });
      this.look(pin, heard, nanos);
    }
    const { sound } = heard;
    sound.moved = nanos;
    sound.lowest = Math.min(sound.lowest, cc);
    if (cc > sound.highest) {
      sound.highest = cc;
      sound.heights.push([nanos, cc]);
      // Still rising: what was counted so far was of a smaller swing.
      Object.assign(sound, { first: null, rises: 0, passed: null });
    }
    const middle = sound.highest / 2;
    if (last < middle && cc >= middle) sound.passed = nanos;
    if (cc < FULL * sound.highest || sound.passed === null) return;
    if (sound.first === null) sound.first = sound.passed;
    else sound.rises++;
    sound.rising = sound.passed;
    sound.passed = null;
  }

  look(pin, heard, nanos) {
    this.chip.at(nanos + REST_NANOS, () => {
      const { sound } = heard;
      if (sound === null) return;
      if (this.chip.nanos - sound.moved < REST_NANOS) return this.look(pin, heard, sound.moved);
      heard.sound = null;
      const hertz = sound.rises > 0 ? (sound.rises * 1e9) / (sound.rising - sound.first) : 0;
      // Half of the swing is reached half way up a rise.
      const half = sound.heights.find(([, height]) => height >= sound.highest / 2)[0] - sound.began;
      this.onSound({ pin, nanos: sound.moved, on: false, hertz, lowest: sound.lowest, highest: sound.highest, half });
    });
  }
}
