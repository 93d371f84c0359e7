// What a speaker pin sounds like from outside: when its pulse width begins to move and when it rests again, and what it was in
// between. Owns no register; hears what the PWM slices tell.

/** A width that has not moved for so long is silence, in ns: longer than half a period of 20 Hz. */
const REST_NANOS = 30e6;

export class Ear {
  /** @param {(sound: {pin, nanos, on, hertz, lowest, highest}) => void} onSound a sound began or has ended */
  constructor(chip, onSound) {
    this.chip = chip;
    this.onSound = onSound;
    this.pins = new Map();
  }

  hear({ pin, nanos, cc, top }) {
    const heard = this.pins.get(pin) ?? { last: cc, sound: null, middle: (top + 1) / 2 };
    this.pins.set(pin, heard);
    const moved = cc !== heard.last;
    const rises = heard.last < heard.middle && cc >= heard.middle;
    heard.last = cc;
    if (!moved) return;
    if (heard.sound === null) {
      heard.sound = { began: nanos, first: null, rising: null, rises: 0, lowest: cc, highest: cc };
      this.onSound({ pin, nanos, on: true });
      this.look(pin, heard, nanos);
    }
    const { sound } = heard;
    sound.moved = nanos;
    sound.lowest = Math.min(sound.lowest, cc);
    sound.highest = Math.max(sound.highest, cc);
    if (!rises) return;
    if (sound.first === null) sound.first = nanos;
    else sound.rises++;
    sound.rising = nanos;
  }

  look(pin, heard, nanos) {
    this.chip.at(nanos + REST_NANOS, () => {
      const { sound } = heard;
      if (sound === null) return;
      if (this.chip.nanos - sound.moved < REST_NANOS) return this.look(pin, heard, sound.moved);
      heard.sound = null;
      const hertz = sound.rises > 0 ? (sound.rises * 1e9) / (sound.rising - sound.first) : 0;
      this.onSound({ pin, nanos: sound.moved, on: false, hertz, lowest: sound.lowest, highest: sound.highest });
    });
  }
}
