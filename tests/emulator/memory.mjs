// What an address is on the chip: what is there, what faults, and what a read of the flash costs through its cache. The
// stock emulator answers reads of nothing with ones, writes to nothing with a warning, and knows no cache.

import { numberFlash } from "./rom.mjs";

export const FLASH = 0x10000000;
export const FLASH_END = 0x14000000;
const FLASH_LOADED_END = 0x11000000;
const XIP_CTRL = 0x14000000;
export const RAM = 0x20000000;
/** 264 KiB; the same memory without striping at 0x21000000 is not modelled and faults. */
const RAM_END = 0x20042000;
const PPB = 0xe000e000;
const PPB_END = 0xe000f000;
const SIO = 0xd0000000;
const SIO_END = 0xd0000200;
const DPRAM = 0x50100000;
const DPRAM_END = 0x50101000;
const ROM_END = 0x4000;

const CACHE_SETS = 1024; // 16 KiB, 2 ways, lines of 8 bytes
/** Cycles a line fill takes for each unit of the serial clock's divider: 50 at 2, by one measurement of others. */
const FILL_CYCLES_PER_DIVIDER = 25;

/** Thrown by an access the chip would answer with a fault. One object: a fault is no error of the harness. */
export class Fault {
  constructor() {
    this.kind = "";
    this.address = 0;
  }

  because(kind, address) {
    this.kind = kind;
    this.address = address >>> 0;
    return this;
  }
}

/** Least recently used of two ways. */
class FlashCache {
  constructor() {
    this.newer = new Int32Array(CACHE_SETS).fill(-1);
    this.older = new Int32Array(CACHE_SETS).fill(-1);
  }

  /** Whether the line was there; it is now. */
  hit(address) {
    const line = (address & 0xffffff) >>> 3;
    const set = line & (CACHE_SETS - 1);
    if (this.newer[set] === line) return true;
    const hit = this.older[set] === line;
    this.older[set] = this.newer[set];
    this.newer[set] = line;
    return hit;
  }

  forget() {
    this.newer.fill(-1);
    this.older.fill(-1);
  }
}

/** The bus as the core sees it. Replaces the core's reads and writes. */
export class Memory {
  /** @param {boolean} cache whether a read of flash costs what the cache's model says; otherwise nothing */
  constructor(rp, cache, fault, starts, number) {
    this.rp = rp;
    this.fault = fault;
    this.cache = cache ? new FlashCache() : null;
    /** Cycles of the instruction under way spent waiting for the flash. */
    this.waited = 0;
    this.fills = 0;
    /** Called for every read of flash. */
    this.onFlash = () => {};
    this.xipCtrl = 3;
    const { core } = rp;
    core.readUint32 = (address) => this.read32(address >>> 0);
    core.readUint16 = (address) => this.read16(address >>> 0);
    core.readUint8 = (address) => this.read8(address >>> 0);
    core.writeUint32 = (address, value) => this.write(address >>> 0, 4, value);
    core.writeUint16 = (address, value) => this.write(address >>> 0, 2, value);
    core.writeUint8 = (address, value) => this.write(address >>> 0, 1, value);
    this.ssi = rp.peripherals[0x18000];
    rp.peripherals[0x40064] = new Regulator();
    rp.peripherals[0x40060] = new RingOscillator(starts);
    rp.peripherals[0x40018] = new Registers([]);
    numberFlash(rp, rp.peripherals[0x40018], number);
  }

  read32(address) {
    if (address & 3) throw this.fault.because("unaligned read", address);
    if (address >= RAM && address < RAM_END) return this.rp.sramView.getUint32(address - RAM, true);
    if (address >= FLASH && address < FLASH_END) {
      this.readFlash(address);
      return this.rp.flashView.getUint32(address & 0xffffff, true);
    }
    return this.elsewhere(address, this.rp.readUint32);
  }

  read16(address) {
    if (address & 1) throw this.fault.because("unaligned read", address);
    if (address >= RAM && address < RAM_END) return this.rp.sramView.getUint16(address - RAM, true);
    if (address >= FLASH && address < FLASH_END) {
      this.readFlash(address);
      return this.rp.flashView.getUint16(address & 0xffffff, true);
    }
    return this.elsewhere(address, this.rp.readUint16);
  }

  read8(address) {
    if (address >= RAM && address < RAM_END) return this.rp.sram[address - RAM];
    if (address >= FLASH && address < FLASH_END) {
      this.readFlash(address);
      return this.rp.flash[address & 0xffffff];
    }
    return this.elsewhere(address, this.rp.readUint8);
  }

  readFlash(address) {
    this.onFlash(address);
    if (this.cache && !this.cache.hit(address)) {
      this.fills++;
      this.waited += FILL_CYCLES_PER_DIVIDER * Math.max(2, this.ssi.baudr);
    }
  }

  elsewhere(address, read) {
    if (address >= XIP_CTRL && address < XIP_CTRL + 0x20) return this.xip(address & 0x1f);
    if (!this.isThere(address)) throw this.fault.because("read of nothing", address);
    return read.call(this.rp, address);
  }

  write(address, size, value) {
    if (address & (size - 1)) throw this.fault.because("unaligned write", address);
    const { rp } = this;
    if (address >= RAM && address < RAM_END) {
      if (size === 4) rp.sramView.setUint32(address - RAM, value, true);
      else if (size === 2) rp.sramView.setUint16(address - RAM, value, true);
      else rp.sram[address - RAM] = value;
      return;
    }
    if (address >= FLASH && address < FLASH_LOADED_END) {
      // A write there only empties the cache's line; the flash keeps what it has.
      this.cache?.forget();
      return;
    }
    if (address >= XIP_CTRL && address < XIP_CTRL + 0x20) {
      if ((address & 0x1f) === 0) this.xipCtrl = value;
      if ((address & 0x1f) === 4) this.cache?.forget();
      return;
    }
    if (address < ROM_END || !this.isThere(address)) throw this.fault.because("write to nothing", address);
    if (size === 4) rp.writeUint32(address, value);
    else if (size === 2) rp.writeUint16(address, value);
    else rp.writeUint8(address, value);
  }

  xip(offset) {
    if (offset === 0) return this.xipCtrl;
    return offset === 8 ? 3 : 0; // the cache is ready and its stream empty
  }

  isThere(address) {
    if (address < ROM_END) return true;
    if (address >= 0x40000000 && address < 0x60000000) {
      if (address >= DPRAM && address < DPRAM_END) return true;
      return this.rp.findPeripheral(address) !== undefined;
    }
    if (address >= 0x18000000 && address < 0x18000100) return true;
    return (address >= SIO && address < SIO_END) || (address >= PPB && address < PPB_END);
  }
}

/** Registers that keep what is written, for parts that do nothing here. */
class Registers {
  constructor(initial) {
    this.words = new Map(initial);
  }

  readUint32(offset) {
    return this.words.get(offset) ?? 0;
  }

  writeUint32Atomic(offset, value, kind) {
    const old = this.readUint32(offset);
    this.words.set(offset, [value, old ^ value, old | value, old & ~value][kind] >>> 0);
  }
}

/** VREG_AND_CHIP_RESET: the voltage is always in order; the last reset was power-on. */
class Regulator extends Registers {
  constructor() {
    super([[0, 0xb1], [4, 0x9], [8, 1 << 8]]);
  }

  readUint32(offset) {
    return offset === 0 ? super.readUint32(0) | (1 << 12) : super.readUint32(offset);
  }
}

/** ROSC: stable; its random bit comes from the count of starts, so that runs repeat and starts differ. */
class RingOscillator extends Registers {
  constructor(starts) {
    super([]);
    this.random = 0x2545f491 ^ Math.imul(starts, 0x9e3779b9);
  }

  readUint32(offset) {
    if (offset === 0x18) return 0x81001000;
    if (offset !== 0x1c) return super.readUint32(offset);
    this.random ^= this.random << 13;
    this.random ^= this.random >>> 17;
    this.random ^= this.random << 5;
    return this.random & 1;
  }
}
