// The pads: the level at each, whoever drives it, and what the chip sees of it two cycles later. The stock emulator reads
// back only what is set from outside, ignores pulls, and takes a level set again for an edge.

const PINS = 30;
/** Flip-flops between a pad and what the core or the interrupt logic reads of it. */
const SYNCHRONISER_CYCLES = 2;
const PAD_AT_RESET = 0x56;
const PWM = 4;
const EDGE_HIGH = 8;
const EDGE_LOW = 4;
const LEVEL_HIGH = 2;
const LEVEL_LOW = 1;

function override(value, kind) {
  return kind === 0 ? value : kind === 1 ? !value : kind === 3;
}

export class Pins {
  /**
   * @param outside what the world does to the pads; it stays when the chip is reset
   * @param {(pin: number, high: boolean) => void} onChange the chip moved a pad
   */
  constructor(chip, rp, outside, onChange) {
    this.chip = chip;
    this.rp = rp;
    this.outside = outside;
    this.onChange = onChange;
    /** Levels at the pads, one bit each, and as the core reads them. */
    this.levels = 0;
    this.seen = 0;
    /** Bits the chip moved so lately that the core still reads them as they were. */
    this.late = 0;
    this.lateUntil = 0;
    /** What the world was told of each pad that carries a power. */
    this.told = new Map();
    this.ready = false;
    Object.defineProperty(rp, "gpioValues", { get: () => (chip.nanos < this.lateUntil ? this.seen ^ this.late : this.seen) });
    for (const pin of rp.gpio) {
      pin.padValue = PAD_AT_RESET;
      pin.checkForUpdates = () => this.refresh(pin, false);
      pin.refreshInput = () => this.refresh(pin, false);
      pin.setInputValue = () => {};
      Object.defineProperty(pin, "rawInputValue", { get: () => (this.levels & (1 << pin.index)) !== 0, set: () => {} });
      Object.defineProperty(pin, "inputValue", { get: () => (rp.gpioValues & (1 << pin.index)) !== 0 });
    }
    for (const pin of rp.gpio) this.refresh(pin, true);
    this.ready = true;
  }

  isDriven(pin) {
    return pin.outputEnable && !pin.outputDisable;
  }

  /** The pads that are driven, as a set. */
  driven() {
    return this.rp.gpio.reduce((set, pin) => (this.isDriven(pin) ? set | (1 << pin.index) : set), 0) >>> 0;
  }

  level(pin) {
    const { stuck, driven } = this.outside;
    if (stuck[pin.index] !== null) return stuck[pin.index];
    if (this.isDriven(pin)) return pin.outputValue;
    if (driven[pin.index] !== null) return driven[pin.index];
    if (pin.pullupEnabled) return pin.pulldownEnabled ? (this.levels & (1 << pin.index)) !== 0 : true;
    return false;
  }

  /** Whether a pin is driven by its slice. */
  carries(pin) {
    return pin.functionSelect === PWM && pin.outputOverride === 0 && this.isDriven(pin);
  }

  /** What the world sees of a pad: of one that carries a power, whether it is on, which its pulses are too fast to tell. */
  shown(index) {
    const pin = this.rp.gpio[index];
    const high = (this.levels & (1 << index)) !== 0;
    return this.carries(pin) ? (this.chip.powered.get(index) ?? high) : high;
  }

  /** A pad that carries a power goes on and off with whoever drives it. */
  gate(pin, fromOutside) {
    const high = this.shown(pin.index);
    if (high === (this.told.get(pin.index) ?? false)) return;
    this.told.set(pin.index, high);
    if (this.ready && !fromOutside) this.onChange(pin.index, high);
    if (this.carries(pin)) this.chip.pwm.tell(pin.index);
  }

  /** Something about a pin may have changed: its level, and what the chip sees of it. */
  refresh(pin, fromOutside) {
    const bit = 1 << pin.index;
    const high = this.level(pin);
    if (high !== ((this.levels & bit) !== 0)) {
      this.levels ^= bit;
      // A pin that follows PWM has no edges of its own: what it carries is told by the slice.
      const carries = pin.functionSelect === PWM && pin.outputOverride === 0;
      const powered = this.chip.powered.has(pin.index);
      if (!fromOutside && this.ready && !carries && !powered) this.onChange(pin.index, high);
    }
    if (this.chip.powered.has(pin.index)) this.gate(pin, fromOutside);
    if (this.chip.heard.has(pin.index) && this.ready) this.chip.hush(pin.index);
    const seen = override(high && pin.inputEnable, pin.inputOverride);
    if (seen === ((this.seen & bit) !== 0)) return;
    this.seen ^= bit;
    if (!fromOutside) {
      const now = this.chip.nanos;
      this.late = now < this.lateUntil ? this.late ^ bit : bit;
      this.lateUntil = now + SYNCHRONISER_CYCLES * this.chip.nanosPerCycle;
    }
    const before = pin.irqValue;
    pin.irqStatus = (pin.irqStatus & (EDGE_HIGH | EDGE_LOW)) | (seen ? EDGE_HIGH | LEVEL_HIGH : EDGE_LOW | LEVEL_LOW);
    if (pin.irqValue !== before) this.rp.updateIOInterrupt();
  }

  /** Whether a pad is high. */
  isHigh(index) {
    return (this.levels & (1 << index)) !== 0;
  }

  /** The world moves a pad: what the chip sees follows by the synchroniser. */
  move(index) {
    this.refresh(this.rp.gpio[index], true);
  }
}

/** What the world does to the pads of a chip. */
export class Outside {
  constructor() {
    /** Levels driven from outside; null where nothing is connected. */
    this.driven = new Array(PINS).fill(null);
    /** Pads that stay at a level whatever drives them; null where not. */
    this.stuck = new Array(PINS).fill(null);
  }
}

export { SYNCHRONISER_CYCLES };
