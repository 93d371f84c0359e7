// The RP2040 of rp2040js, put right where a time or a failure depends on it. Owns the clock, what a cycle costs, and what a
// reset takes away; knows no experiment and no pin by name.
//
// Corrections, each on purpose and each a cost or a fault the stock emulator leaves out or gets wrong:
// - entering and leaving an exception take 15 and 13 cycles; one that follows another at once pays both (nvic.mjs);
// - bad accesses and undefined instructions fault, a fault in a fault handler locks up (memory.mjs, nvic.mjs);
// - code and constants in flash go through a model of the XIP cache (memory.mjs, optional);
// - pads are read back, pulled, synchronised (pins.mjs); serial port, USB host, converter and PWM keep their real pace;
// - PUSH with LR takes the cycle it lacks (core.mjs); WFI jumps to the next alarm or edge;
// - time runs by the clock the image set up; the timer counts from when the image starts its tick, and can be paused
//   (timer.mjs);
// - the image starts by its own second-stage loader, on the ring oscillator; of the boot ROM there is what it asks for (rom.mjs);
// - the watchdog resets what its scope says, and the run goes on.

import { RP2040 } from "rp2040js";
import { Adc } from "./adc.mjs";
import { Instructions } from "./core.mjs";
import { correctDma } from "./dma.mjs";
import { FLASH, FLASH_END, Fault, Memory } from "./memory.mjs";
import { CHIP_SUFFERS, CODE_GOES, NOWHERE } from "./mishaps.mjs";
import { Nvic } from "./nvic.mjs";
import { Outside, Pins, SYNCHRONISER_CYCLES } from "./pins.mjs";
import { Pwm } from "./pwm.mjs";
import { NUMBER } from "./rom.mjs";
import { Timer } from "./timer.mjs";
import { Uart } from "./uart.mjs";
import { UsbHost } from "./usb.mjs";

export { readElf } from "./elf.mjs";

const RING_OSCILLATOR = 6.5e6;
/** From a reset to the second-stage loader: what the boot ROM takes to look at the flash. An assumption. */
const BOOT_ROM_NANOS = 1e6;
/** All that a watchdog must reset for the run to go on here: everything but the two oscillators. */
const WHOLE_SCOPE = 0x1fffc;
/** Levels that must never read the flash: all but the lowest of four. */
const UPPER_LEVELS = 3;
const UART = [
  { at: 0x40034, irq: 20, dreq: { tx: 20, rx: 21 } },
  { at: 0x40038, irq: 21, dreq: { tx: 22, rx: 23 } },
];

export class Chip {
  /** @param {{cache: boolean, number?: bigint}} options whether flash goes through the cache model; the flash's number */
  constructor(elf, { cache, number = NUMBER }) {
    this.elf = elf;
    /** The flash's, which is the board's. */
    this.number = number;
    this.withCache = cache;
    this.outside = new Outside();
    /** Pads that carry a power, and whether they are on when high. */
    this.powered = new Map();
    this.complaints = new Map();
    /** What happened, for whoever asks: `{at, what, ...}` in order. Times in ns. */
    this.onEvent = () => {};
    this.listeners = new Map();
    /** Pads the instruction under way moved: their time is its end. */
    this.moved = [];
    this.adcValue = () => 0;
    /** Stops a run at the end of the instruction under way. */
    this.stop = false;
    /** The function that is timed, if one is: `{start, longest, until, level, cycles, lap, ...}`; see `time` and `lap`. */
    this.timed = null;
    /** What is to go wrong as soon as a level runs: `{level, goes}`; see `upset`. */
    this.mishap = null;
    /** Speakers' pads, and when each was high last: Infinity while one still sounds; see `listen`. */
    this.heard = new Map();
    /** Pads outside which a wire, and what hangs on it, makes follow another: `[pin, inverted]` by the pad they follow. */
    this.wires = new Map();
    /** Whether the supply is cut. */
    this.off = false;
    this.fault = new Fault();
    this.busyCycles = 0;
    /** Starts after the first; the ring oscillator's chance differs with it. */
    this.resets = 0;
    this.usbHost = new UsbHost(this, (bytes, nanos) => this.onEvent({ at: nanos, what: "usb", bytes }));
    this.clearCounters();
    /** What the world does later: `[nanos, act]`, in order of time. */
    this.later = [];
    this.#build({ clock: undefined, rp: null, reason: 0 });
  }

  clearCounters() {
    this.flashReadsInHandlers = 0;
    this.flashReaders = new Map();
    this.busyCycles = 0;
    /** Longest with interrupts masked (PRIMASK), and longest stay of each level from entry to return, in ns. */
    this.longestMasked = 0;
    this.longestAt = [0, 0, 0, 0];
    /** The most cycles of its own a call of the timed function has taken, whoever interrupted it. */
    if (this.timed) Object.assign(this.timed, { longest: 0, longestLap: 0 });
    /** When those ended. */
    this.longestEnded = [0, 0, 0, 0];
    this.nvic?.longestMasked.clear();
  }

  complain(text) {
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1);
  }

  /** A chip that has just been reset. RAM, flash and the watchdog's scratch words are those of the chip before, if any. */
  #build({ clock, rp: before, reason }) {
    const rp = new RP2040(clock);
    this.rp = rp;
    this.clock = rp.clock;
    this.core = rp.core;
    rp.logger = {
      debug() {},
      info: (_, text) => {
        if (text === "SEV") rp.core.eventRegistered = true;
      },
      warn: (_, text) => this.#warned(text),
      error: (_, text) => this.complain(text),
    };
    if (before) {
      rp.flash = before.flash;
      rp.flash16 = before.flash16;
      rp.flashView = before.flashView;
      rp.sram = before.sram;
      rp.sramView = before.sramView;
    } else {
      for (const { physical, bytes } of this.elf.segments) rp.flash.set(bytes, physical - FLASH);
      // RAM holds anything when the supply comes: the same anything in every run.
      let noise = 0x9e3779b9;
      for (let n = 0; n < rp.sram.length; n++) {
        noise ^= noise << 13;
        noise ^= noise >>> 17;
        noise ^= noise << 5;
        rp.sram[n] = noise;
      }
    }
    rp.clkSys = RING_OSCILLATOR;
    rp.clkPeri = RING_OSCILLATOR;
    this.#newClock(rp.clkSys);
    rp.addClockListener((hertz) => this.#newClock(hertz));
    this.memory = new Memory(rp, this.withCache, this.fault, this.resets, this.number);
    this.memory.onFlash = () => this.#readFlash();
    this.nvic = new Nvic(rp, this.fault);
    this.instructions = new Instructions(rp);
    this.nvic.onEntry = () => {
      if (this.nvic.priority >= 0 && this.nvic.priority < 4) this.enteredAt[this.nvic.priority] = this.clock.nanos;
    };
    this.nvic.onResetRequest = (asked) => asked && this.complain("a reset of the core alone was asked for; it is not modelled");
    this.enteredAt = [0, 0, 0, 0];
    this.maskedSince = null;
    correctDma(rp);
    this.pwm = new Pwm(rp, (wave) => {
      this.#hear(wave.pin, wave.nanos, wave);
      this.onEvent({ at: wave.nanos, what: "wave", ...wave });
    });
    rp.pwm = this.pwm;
    rp.peripherals[0x40050] = this.pwm;
    this.adc = new Adc(rp, (channel, nanos) => this.adcValue(channel, nanos));
    rp.adc = this.adc;
    rp.peripherals[0x4004c] = this.adc;
    this.uarts = UART.map(({ at, irq, dreq }, port) => {
      const uart = new Uart(rp, irq, dreq, (byte, nanos) => this.onEvent({ at: nanos, what: "uart", port, byte }));
      rp.peripherals[at] = uart;
      rp.uart[port] = uart;
      return uart;
    });
    this.timer = new Timer(rp);
    this.#watchdog(rp, before, reason);
    this.pins = new Pins(this, rp, this.outside, (pin, high) => this.moved.push(pin, high));
    this.usbHost.attach(rp);
    this.lockedUp = false;
    const { core } = rp;
    core.VTOR = FLASH + 0x100;
    core.SP = 0x20042000;
    core.LR = 0;
    core.PC = FLASH;
    core.currentMode = 0;
    core.waiting = true;
    /** Nothing wakes the core: it has not started, is locked up, or has no supply. */
    this.asleep = true;
    const start = rp.clock.createAlarm(() => {
      this.asleep = false;
      core.waiting = false;
    });
    if (!this.off) start.schedule(BOOT_ROM_NANOS);
    this.world = rp.clock.createAlarm(() => this.#worldActs());
    this.#planWorld();
  }

  #newClock(hertz) {
    this.nanosPerCycle = 1e9 / hertz;
  }

  #warned(text) {
    if (text.startsWith("Warning: Instruction at")) throw this.fault.because("undefined instruction", this.pc);
    this.complain(text);
  }

  #watchdog(rp, before, reason) {
    const watchdog = rp.peripherals[0x40058];
    watchdog.tickEnable = false;
    const write = watchdog.writeUint32.bind(watchdog);
    watchdog.writeUint32 = (offset, value) => {
      write(offset, value);
      if (offset === 0x2c && watchdog.tickEnable && this.timer.zero === null) {
        this.timer.start();
        this.onEvent({ at: this.clock.nanos, what: "zero" });
      }
    };
    watchdog.onWatchdogTrigger = () => {
      // It has expired once; the stock alarm would at once begin again, without end.
      watchdog.alarm.enable = false;
      this.resetAsked = watchdog.reason === 2 ? "forced" : "watchdog";
    };
    this.resetAsked = null;
    watchdog.reason = reason;
    if (before) watchdog.scratchData = before.peripherals[0x40058].scratchData;
  }

  /** Resets the chip as its watchdog (`watchdog`, `forced`), its RUN pin (`run`) or a return of the supply (`power`) does. */
  reset(cause) {
    const scope = this.rp.peripherals[0x40010].wdsel;
    const fromWatchdog = cause === "watchdog" || cause === "forced";
    if (fromWatchdog && (scope & WHOLE_SCOPE) !== WHOLE_SCOPE) {
      this.complain(`the watchdog's scope is ${scope.toString(16)}; only all but the oscillators is modelled`);
    }
    // What the chip drove until now lets go.
    const driven = this.rp.gpio.filter((pin) => this.pins.isDriven(pin)).map((pin) => [pin.index, this.pins.shown(pin.index)]);
    for (let alarm = this.clock.nextAlarm; alarm; alarm = alarm.next) alarm.scheduled = false;
    this.clock.nextAlarm = null;
    this.moved.length = 0;
    this.resets++;
    this.onEvent({ at: this.clock.nanos, what: "reset", cause });
    this.#build({ clock: this.clock, rp: cause === "power" ? null : this.rp, reason: { watchdog: 1, forced: 2 }[cause] ?? 0 });
    for (const [pin, nanos] of this.heard) if (nanos === Infinity) this.heard.set(pin, this.nanos);
    for (const [pin, high] of driven) {
      const now = this.pins.shown(pin);
      if (now !== high) this.#tell(pin, now, this.clock.nanos);
    }
  }

  #readFlash() {
    const { priority } = this.nvic;
    if (priority < 0 || priority >= UPPER_LEVELS) return;
    this.flashReadsInHandlers++;
    this.flashReaders.set(this.pc, (this.flashReaders.get(this.pc) ?? 0) + 1);
  }

  get nanos() {
    return this.clock.nanosCounter;
  }

  /** Watches an output pin: `(on, nanos)`, the time being the end of the store that moved it. */
  watch(pin, listener) {
    const listeners = this.listeners.get(pin) ?? [];
    listeners.push(listener);
    this.listeners.set(pin, listeners);
  }

  /** An input follows an output: what reads back what the output does. */
  wire(output, input, inverted) {
    this.wires.set(output, [input, inverted]);
    this.setInput(input, this.pins.shown(output) !== inverted);
  }

  #tell(pin, high, nanos) {
    const wire = this.wires.get(pin);
    if (wire) this.setInput(wire[0], high !== wire[1]);
    for (const listener of this.listeners.get(pin) ?? []) listener(high, nanos);
    this.onEvent({ at: nanos, what: "edge", pin, high });
  }

  /** The world does something at `nanos`, whatever the chip does then, even if it is reset meanwhile. */
  at(nanos, act) {
    let place = this.later.length;
    while (place > 0 && this.later[place - 1][0] > nanos) place--;
    this.later.splice(place, 0, [nanos, act]);
    if (place === 0) this.#planWorld();
  }

  #planWorld() {
    this.world.cancel();
    if (this.later.length > 0) this.world.schedule(Math.max(0, this.later[0][0] - this.nanos));
  }

  #worldActs() {
    while (this.later.length > 0 && this.later[0][0] <= this.clock.nanos) this.later.shift()[1]();
    this.#planWorld();
  }

  /** Cuts the supply, or gives it back: the chip begins with nothing in its RAM. */
  power(on) {
    this.supply(on);
    if (this.resetAsked) this.reset(this.resetAsked);
  }

  /** The same, at the end of the instruction under way. */
  supply(on) {
    if (on === !this.off) return;
    this.off = !on;
    this.resetAsked = "power";
  }

  /** Drives a pad from outside, or lets go of it (null); the chip sees it two cycles later. */
  setInput(pin, level) {
    this.outside.driven[pin] = level;
    this.clock.createAlarm(() => this.pins.move(pin)).schedule(SYNCHRONISER_CYCLES * this.nanosPerCycle);
  }

  /** Makes a pad stay at a level whatever drives it, or lets it follow again (null). */
  stick(pin, level) {
    const before = this.pins.shown(pin);
    this.outside.stuck[pin] = level;
    this.pins.move(pin);
    const now = this.pins.shown(pin);
    if (now !== before) this.#tell(pin, now, this.nanos);
  }

  /** Runs to `nanos`, or until something sets `stop`. */
  runTo(nanos, onInstruction) {
    this.stop = false;
    while (this.clock.nanosCounter < nanos && !this.stop) {
      try {
        this.#burst(nanos, onInstruction);
      } catch (thrown) {
        if (thrown !== this.fault) throw thrown;
        this.#faulted();
      }
      if (this.resetAsked) this.reset(this.resetAsked);
    }
  }

  #burst(nanos, onInstruction) {
    const { core, clock, instructions, memory, nvic, moved } = this;
    const { registers } = core;
    while (clock.nanosCounter < nanos && !this.stop && this.resetAsked === null) {
      if (core.waiting) {
        if (!this.asleep) nvic.wake();
        if (core.waiting) {
          const next = clock.nextAlarm ? clock.nextAlarm.nanos : Infinity;
          clock.tick(Math.max(0, Math.min(next, nanos) - clock.nanosCounter));
          if (moved.length > 0) this.#flush();
          continue;
        }
      }
      while (core.interruptsUpdated && nvic.take());
      const pc = registers[15];
      this.pc = pc;
      if (pc >= NOWHERE) throw this.fault.because("code where none may be", pc);
      const leaving = nvic.priority;
      if (this.mishap !== null && this.mishap.level === leaving) {
        this.#goWrong();
        continue;
      }
      const cycles = instructions.step(pc) + nvic.spent + memory.waited;
      nvic.spent = 0;
      memory.waited = 0;
      this.busyCycles += cycles;
      const took = cycles * this.nanosPerCycle;
      const alarm = clock.nextAlarm;
      if (alarm === null || alarm.nanos > clock.nanosCounter + took) clock.nanosCounter += took;
      else clock.tick(took);
      if (moved.length > 0) this.#flush();
      if (nvic.priority !== leaving && leaving < 4 && leaving >= 0) {
        const stayed = clock.nanosCounter - this.enteredAt[leaving];
        if (stayed > this.longestAt[leaving]) {
          this.longestAt[leaving] = stayed;
          this.longestEnded[leaving] = clock.nanosCounter;
        }
      }
      if (core.PM !== (this.maskedSince !== null)) {
        if (core.PM) this.maskedSince = clock.nanosCounter;
        else {
          this.longestMasked = Math.max(this.longestMasked, clock.nanosCounter - this.maskedSince);
          this.maskedSince = null;
        }
      }
      if (this.timed !== null) this.#count(pc, cycles, leaving);
      if (onInstruction) onInstruction(pc, cycles);
    }
  }

  /** Counts the cycles of each call of the function that begins at `start`. */
  time(start) {
    this.timed = { start, longest: 0, until: null, level: 0, cycles: 0, lap: null, longestLap: 0, lapUntil: null, laps: [] };
  }

  /** Divides calls of the timed function into laps, each of which ends when the function at `start` has returned. What comes
   * behind the last of them belongs to it. */
  lap(start) {
    if (this.timed !== null) this.timed.lap = start;
  }

  #count(pc, cycles, level) {
    const { timed, core } = this;
    if (timed.until === null) {
      if (pc !== timed.start) return;
      // The first instruction of a function leaves where it returns to as it is.
      Object.assign(timed, { until: core.LR & ~1, level, cycles, lapFrom: 0, lapUntil: null });
      timed.laps.length = 0;
    } else if (level === timed.level) {
      timed.cycles += cycles;
      if (pc === timed.lap) timed.lapUntil = core.LR & ~1;
      if (core.PC === timed.lapUntil) {
        timed.laps.push(timed.cycles - timed.lapFrom);
        Object.assign(timed, { lapFrom: timed.cycles, lapUntil: null });
      }
      if (core.PC !== timed.until) return;
      timed.longest = Math.max(timed.longest, timed.cycles);
      timed.until = null;
      if (timed.laps.length === 0) return;
      timed.laps[timed.laps.length - 1] += timed.cycles - timed.lapFrom;
      timed.longestLap = Math.max(timed.longestLap, ...timed.laps);
      for (const lap of timed.laps) this.onEvent({ at: this.clock.nanosCounter, what: "lap", cycles: lap });
    }
  }

  /** From now on, when a level next runs (0 to 3, 4 for thread mode), its code goes as one of CODE_GOES says. */
  upset(level, goes) {
    if (!CODE_GOES[goes]) throw new Error(`code cannot go so: ${goes}`);
    this.mishap = { level, goes };
  }

  /** The chip suffers one of CHIP_SUFFERS now. */
  suffer(what, ...numbers) {
    if (!CHIP_SUFFERS[what]) throw new Error(`the chip cannot suffer: ${what}`);
    CHIP_SUFFERS[what](this, ...numbers);
  }

  #goWrong() {
    const { goes } = this.mishap;
    this.mishap = null;
    this.onEvent({ at: this.nanos, what: "wrong" });
    CODE_GOES[goes](this);
  }

  /** A speaker hangs on a pad: when it was high last is to be known. */
  listen(pin) {
    this.heard.set(pin, 0);
  }

  /** A speaker's pad may have become silent or loud. */
  #hear(pin, nanos, wave) {
    const last = this.heard.get(pin);
    if (last === undefined) return;
    const loud = wave.on && wave.cc > 0 && this.pins.carries(this.rp.gpio[pin]);
    if (loud) this.heard.set(pin, Infinity);
    else if (last === Infinity) this.heard.set(pin, nanos);
  }

  /** What drives a speaker's pad has changed. */
  hush(pin) {
    if (this.heard.get(pin) === Infinity && !this.pins.carries(this.rp.gpio[pin])) this.heard.set(pin, this.nanos);
  }

  #flush() {
    const { moved } = this;
    for (let n = 0; n < moved.length; n += 2) this.#tell(moved[n], moved[n + 1], this.clock.nanosCounter);
    moved.length = 0;
  }

  #faulted() {
    const { core, fault, nvic } = this;
    core.PC = this.pc;
    nvic.spent = 0;
    this.memory.waited = 0;
    this.onEvent({ at: this.nanos, what: "fault", kind: fault.kind, address: fault.address, pc: this.pc, level: nvic.priority });
    if (nvic.enterFault()) return;
    this.onEvent({ at: this.nanos, what: "lockup", pc: this.pc });
    this.lockedUp = true;
    // Nothing wakes it but a reset.
    core.waiting = true;
    this.asleep = true;
  }

  /** Whether an address lies in flash. */
  static isFlash(address) {
    return address >= FLASH && address < FLASH_END;
  }
}
