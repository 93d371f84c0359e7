// The RP2040 of rp2040js, put right where a time depends on it. Owns the clock and what a cycle costs; knows no
// experiment and no pin by name.
//
// Corrections, each on purpose and each a cost the stock emulator leaves out or gets wrong:
// - entering and leaving an exception take 15 and 13 cycles; one that follows another at once pays both;
// - the program counter is even within handlers too;
// - PUSH with LR and signed loads take the cycle they lack;
// - alarms fire at their exact nanosecond, not up to a microsecond early;
// - WFI jumps to the next alarm or edge;
// - time runs by the clock the image set up;
// - the image starts without a boot ROM;
// - code and constants in flash go through a model of the XIP cache, which the stock emulator lacks (optional).

import { readFileSync } from "node:fs";
import { RP2040 } from "rp2040js";

const ENTRY_CYCLES = 15;
const RETURN_CYCLES = 13;
const CACHE_SETS = 1024; // 16 KiB, 2 ways, lines of 8 bytes
const LINE_FILL_CYCLES = 50;
const FLASH = 0x10000000;
const FLASH_END = 0x14000000;

/** Least recently used of two ways; answers the cycles a read of flash costs beyond a hit. */
class FlashCache {
  constructor() {
    this.newer = new Int32Array(CACHE_SETS).fill(-1);
    this.older = new Int32Array(CACHE_SETS).fill(-1);
    this.fills = 0;
  }

  read(address) {
    const line = (address & 0xffffff) >>> 3;
    const set = line & (CACHE_SETS - 1);
    if (this.newer[set] === line) return 0;
    const hit = this.older[set] === line;
    this.older[set] = this.newer[set];
    this.newer[set] = line;
    if (hit) return 0;
    this.fills++;
    return LINE_FILL_CYCLES;
  }
}

/** The loadable bytes of a 32-bit ELF file and its symbols. */
export function readElf(path) {
  const bytes = readFileSync(path);
  const segments = [];
  const symbols = new Map();
  const functions = [];
  const phoff = bytes.readUInt32LE(28);
  const shoff = bytes.readUInt32LE(32);
  for (let n = 0; n < bytes.readUInt16LE(44); n++) {
    const at = phoff + n * bytes.readUInt16LE(42);
    const [type, offset, , physical, size] = [0, 4, 8, 12, 16].map((o) => bytes.readUInt32LE(at + o));
    if (type === 1 && size > 0) segments.push({ physical, bytes: bytes.subarray(offset, offset + size) });
  }
  const sections = [];
  for (let n = 0; n < bytes.readUInt16LE(48); n++) {
    const at = shoff + n * bytes.readUInt16LE(46);
    const [name, type, flags, address, offset, size, link] = [0, 4, 8, 12, 16, 20, 24].map((o) => bytes.readUInt32LE(at + o));
    sections.push({ name, type, flags, address, offset, size, link });
  }
  const text = (offset, at) => bytes.toString("latin1", offset + at, bytes.indexOf(0, offset + at));
  const names = sections[bytes.readUInt16LE(50)];
  for (const section of sections) section.name = text(names.offset, section.name);
  for (const section of sections.filter((s) => s.type === 2)) {
    for (let at = section.offset; at < section.offset + section.size; at += 16) {
      const name = text(sections[section.link].offset, bytes.readUInt32LE(at));
      const value = bytes.readUInt32LE(at + 4);
      const size = bytes.readUInt32LE(at + 8);
      symbols.set(name, { value, size });
      if ((bytes[at + 12] & 15) === 2 && size > 0) functions.push({ name, start: value & ~1, end: (value & ~1) + size });
    }
  }
  return { segments, symbols, sections, functions };
}

export class Chip {
  /** @param {{cache: boolean}} options whether flash goes through the cache model */
  constructor(elf, { cache }) {
    this.rp = new RP2040();
    this.clock = this.rp.clock;
    this.core = this.rp.core;
    this.cache = cache ? new FlashCache() : null;
    /** Cycles of the instruction under way that the core does not know of. */
    this.extra = 0;
    /** Reads of flash, of any kind, by handlers (any interrupt level). */
    this.flashReadsInHandlers = 0;
    this.flashReaders = new Map();
    this.edges = [];
    this.listeners = [];
    this.rp.logger = { debug() {}, info() {}, warn: (_, text) => this.complain(text), error: (_, text) => this.complain(text) };
    this.complaints = new Map();
    for (const { physical, bytes } of elf.segments) this.rp.flash.set(bytes, physical - FLASH);
    this.#correct();
    const vectors = 0x10000100;
    this.core.VTOR = vectors;
    this.core.SP = this.rp.readUint32(vectors);
    this.core.PC = this.rp.readUint32(vectors + 4) & ~1;
    this.cyclesBefore = 0;
  }

  complain(text) {
    if (this.complaints.size > 20) throw new Error(`the emulator is lost at pc ${this.core.PC.toString(16)}: ${text}`);
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1);
  }

  #correct() {
    const { core, rp, clock } = this;
    const entry = core.exceptionEntry.bind(core);
    core.exceptionEntry = (number) => {
      this.extra += ENTRY_CYCLES;
      entry(number);
      // The vector's lowest bit says Thumb and is no part of the address: what reads the counter would be one off.
      core.PC &= ~1;
      this.countVector(core.VTOR + 4 * number);
    };
    const leave = core.exceptionReturn.bind(core);
    core.exceptionReturn = (value) => {
      this.extra += RETURN_CYCLES;
      leave(value);
    };
    for (const read of ["readUint32", "readUint16", "readUint8"]) {
      core[read] = (address) => {
        address >>>= 0;
        if (address >= FLASH && address < FLASH_END) this.readFlash(address);
        return rp[read](address);
      };
    }
    const timer = rp.peripherals[0x40054];
    const write = timer.writeUint32.bind(timer);
    timer.writeUint32 = (offset, value) => {
      if (offset < 0x10 || offset > 0x1c) return write(offset, value);
      const alarm = timer.alarms[(offset - 0x10) / 4];
      const now = Math.floor(clock.nanos / 1000);
      const inMicros = (value - (now % 2 ** 32)) >>> 0;
      alarm.armed = true;
      alarm.targetMicros = value >>> 0;
      alarm.clockAlarm.schedule((now + inMicros) * 1000 - clock.nanos);
    };
  }

  /** The vector is read while the core is already in handler mode, and counts as its fetch. */
  countVector(address) {
    if (address >= FLASH && address < FLASH_END) this.readFlash(address);
  }

  readFlash(address) {
    if (this.core.IPSR !== 0) {
      this.flashReadsInHandlers++;
      const pc = this.core.PC;
      this.flashReaders.set(pc, (this.flashReaders.get(pc) ?? 0) + 1);
    }
    if (this.cache) this.extra += this.cache.read(address);
  }

  get nanosPerCycle() {
    return 1e9 / this.rp.clkSys;
  }

  get nanos() {
    return this.clock.nanos;
  }

  /** Watches an output pin: `(on, nanos)`, the time being the end of the store that moved it. */
  watch(pin, listener) {
    this.rp.gpio[pin].addListener((value) => this.edges.push([listener, value === 1]));
  }

  setInput(pin, active) {
    this.rp.gpio[pin].setInputValue(active);
  }

  /** Runs to `nanos`. */
  runTo(nanos, onInstruction) {
    const { core, clock } = this;
    while (clock.nanosCounter < nanos) {
      if (core.waiting) {
        const next = clock.nextAlarm ? clock.nextAlarm.nanos : Infinity;
        clock.tick(Math.min(next, nanos) - clock.nanosCounter);
        continue;
      }
      const pc = core.PC;
      let cycles = core.executeInstruction();
      const opcode = this.peek(pc);
      if ((opcode & 0xff00) === 0xb500 || (opcode & 0xf600) === 0x5600) cycles++;
      cycles += this.extra;
      this.extra = 0;
      clock.tick(cycles * this.nanosPerCycle);
      if (this.edges.length > 0) {
        for (const [listener, on] of this.edges) listener(on, clock.nanosCounter);
        this.edges.length = 0;
      }
      if (onInstruction) onInstruction(pc, cycles);
    }
  }

  /** An instruction as stored, without the cost of reading it. */
  peek(address) {
    const { rp } = this;
    return address >= 0x20000000 ? rp.sramView.getUint16(address - 0x20000000, true) : rp.flashView.getUint16(address & 0xffffff, true);
  }
}
