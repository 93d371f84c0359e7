// What can go wrong in the chip, by name: code that goes astray, goes round, masks interrupts or loses its stack; a timer that
// stops; interrupts nobody asked for. Owns how each is brought about; knows no experiment, and of an image what it
// panics with and where its program lies.

import { FLASH, RAM } from "./memory.mjs";

/** Where nothing is. */
export const NOWHERE = 0x30000000;
/** Behind every image, for code of ours; and, for what goes round for long, the first word of RAM, where the stack ends. */
const CODE = FLASH + 0xf00000;
const LOOP = RAM;
const BRANCH_TO_ITSELF = 0xe7fe;
const UNDEFINED = 0xde00;
/** push {r0-r7, lr}, and back to it. */
const RECURSION = [0xb5ff, 0xe7fd];
/** ldr r0, [r0], and that again and again. */
const LOAD_R0 = [0x6800, 0xe7fd];
/** An interrupt of the real-time clock, which the image does not use. */
const STRAY_IRQ = 25;
const TIMER = 0x40054000;
const [PAUSE, INTE] = [0x30, 0x38];
const ALARMS = 4;
const HARD_FAULT = 3;
/** How much of its handler is written over. */
const HANDLER_HALVES = 8;

/** Goes on with code of ours. */
function run(chip, ...code) {
  code.forEach((half, n) => (chip.rp.flash16[(CODE - FLASH) / 2 + n] = half));
  chip.core.PC = CODE;
}

/** The one function of the image whose name has this part. */
function named(chip, part) {
  const found = chip.elf.functions.filter(({ name }) => name.includes(part));
  if (found.length !== 1) throw new Error(`${found.length} functions of the image have ${part} in their name`);
  return found[0];
}

/** What the code of a level can come to when it next runs. */
export const CODE_GOES = {
  /** It goes where nothing is. */
  astray: (chip) => (chip.core.PC = NOWHERE),
  /** It comes upon an instruction there is none of. */
  undefined: (chip) => run(chip, UNDEFINED),
  /** It reads a word that is not aligned. */
  unaligned(chip) {
    chip.core.registers[0] = RAM + 1;
    run(chip, ...LOAD_R0);
  },
  /** It panics. */
  panics: (chip) => (chip.core.PC = named(chip, "core9panicking9panic_fmt").start),
  /** It goes round without end. */
  loops(chip) {
    chip.rp.sramView.setUint16(LOOP - RAM, BRANCH_TO_ITSELF, true);
    chip.core.PC = LOOP;
  },
  /** It masks all interrupts for good, and goes on. */
  masks: (chip) => (chip.core.PM = true),
  /** It masks all interrupts and goes round without end. */
  maskedLoop(chip) {
    chip.core.PM = true;
    CODE_GOES.loops(chip);
  },
  /** It calls itself until the stack is full. */
  overflows: (chip) => run(chip, ...RECURSION),
  /** Its stack pointer comes to point where nothing is. */
  stackNowhere: (chip) => (chip.core.SP = NOWHERE),
  /** Into the ROM. */
  stackInRom: (chip) => (chip.core.SP = 0x1000),
  /** Into the flash, where what is written is gone. */
  stackInFlash: (chip) => (chip.core.SP = FLASH + 0x8000),
  /** Two bytes further, of which the core keeps none: it has no such bits. */
  stackOdd: (chip) => (chip.core.SP = (chip.core.SP + 2) & ~3),
  /** A word further: what it returns to is no longer where it was. */
  stackShifted: (chip) => (chip.core.SP = (chip.core.SP + 4) & ~3),
  /** It goes astray, and the vectors are gone: the fault's cannot be fetched. */
  locksUp(chip) {
    chip.core.VTOR = NOWHERE;
    chip.core.PC = NOWHERE;
  },
  /** It goes astray, and the handler of faults has been written over: a fault within a fault. */
  handlerGone(chip) {
    const handler = chip.rp.readUint32(chip.core.VTOR + 4 * HARD_FAULT) & ~1;
    for (let n = 0; n < HANDLER_HALVES; n++) chip.rp.sramView.setUint16(handler + 2 * n - RAM, UNDEFINED, true);
    chip.core.PC = NOWHERE;
  },
};

/** What can happen to the chip at a moment, whatever runs. */
export const CHIP_SUFFERS = {
  /** The timer stands: neither its counter goes on nor any alarm comes. */
  timer: (chip) => chip.rp.writeUint32(TIMER + PAUSE, 1),
  /** An alarm of the timer never comes any more. */
  alarm: (chip, number) => chip.rp.writeUint32(TIMER + INTE, ((1 << ALARMS) - 1) & ~(1 << number)),
  /** An interrupt comes that nobody asked for. */
  stray(chip) {
    chip.core.enabledInterrupts |= 1 << STRAY_IRQ;
    chip.core.pendingInterrupts |= 1 << STRAY_IRQ;
    chip.core.interruptsUpdated = true;
  },
  /** The interrupt comes that nothing can mask. */
  nmi(chip) {
    chip.core.pendingNMI = true;
    chip.core.interruptsUpdated = true;
  },
  /** The RUN pin is pulled. */
  reset: (chip) => (chip.resetAsked = "run"),
  /** The supply goes, and comes again so many ns later. */
  supply(chip, nanos) {
    chip.supply(false);
    chip.at(chip.nanos + nanos, () => chip.supply(true));
  },
  /** From now on a pad stays at a level whatever drives it. */
  pad: (chip, pin, high) => chip.stick(pin, high === 1),
  /** An input is driven to a level from outside, for good. */
  input: (chip, pin, high) => chip.setInput(pin, high === 1),
  /** An input changes every so many ns, for so many ns. */
  toggles(chip, pin, every, lasts) {
    const until = chip.nanos + lasts;
    const toggle = (at, high) => {
      chip.setInput(pin, high);
      if (at + every < until) chip.at(at + every, () => toggle(at + every, !high));
    };
    toggle(chip.nanos, !chip.pins.isHigh(pin));
  },
  /** From now on the handler of faults is entered even without a stack; see nvic.mjs. */
  forgives: (chip) => (chip.nvic.forgiving = true),
  /** Bits of a word of the program's memory change. */
  flips(chip, word, bits) {
    const [, { value }] = [...chip.elf.symbols].find(([name]) => name.includes("5start7PROGRAM"));
    const at = value - RAM + 4 * word;
    chip.rp.sramView.setUint32(at, chip.rp.sramView.getUint32(at, true) ^ bits, true);
  },
};
