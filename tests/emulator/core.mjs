// One instruction of the Cortex-M0+, fast: what it does and how many cycles it takes are the stock emulator's, with one
// correction: PUSH with LR takes the cycle it lacks. The stock finds an instruction by some seventy comparisons in a row;
// here a table of all 65 536 says which it is. What is seldom met is left to the stock.

const RAM = 0x20000000;
const OPS = [
  // In the order in which the stock asks; the first that fits is it.
  ["adcs", 6, 0b0100000101],
  ["addSp", 11, 0b10101],
  ["spAdd", 7, 0b101100000],
  ["adds3", 9, 0b0001110],
  ["adds8", 11, 0b00110],
  ["addsRegister", 9, 0b0001100],
  ["addHigh", 8, 0b01000100],
  ["adr", 11, 0b10100],
  ["ands", 6, 0b0100000000],
  ["asrs", 11, 0b00010],
  ["seldom", 6, 0b0100000100], // ASRS by a register
  ["undefined", 8, 0b11011110], // UDF: before the conditional branches, whose place it has
  ["seldom", 8, 0b11011111], // SVC
  ["branchIf", 12, 0b1101],
  ["branch", 11, 0b11100],
  ["bics", 6, 0b0100001110],
  ["seldom", 8, 0b10111110], // BKPT
  ["wide", 11, 0b11110],
  ["blx", 7, 0b010001111],
  ["bx", 7, 0b010001110],
  ["cmn", 6, 0b0100001011],
  ["cmp8", 11, 0b00101],
  ["cmp", 6, 0b0100001010],
  ["cmpHigh", 8, 0b01000101],
  ["cpsid", 0, 0xb672],
  ["cpsie", 0, 0xb662],
  ["eors", 6, 0b0100000001],
  ["ldmia", 11, 0b11001],
  ["ldr5", 11, 0b01101],
  ["ldrSp", 11, 0b10011],
  ["ldrLiteral", 11, 0b01001],
  ["ldr", 9, 0b0101100],
  ["ldrb5", 11, 0b01111],
  ["ldrb", 9, 0b0101110],
  ["ldrh5", 11, 0b10001],
  ["ldrh", 9, 0b0101101],
  ["ldrsb", 9, 0b0101011],
  ["ldrsh", 9, 0b0101111],
  ["lsls5", 11, 0b00000],
  ["lsls", 6, 0b0100000010],
  ["lsrs5", 11, 0b00001],
  ["lsrs", 6, 0b0100000011],
  ["mov", 8, 0b01000110],
  ["movs", 11, 0b00100],
  ["muls", 6, 0b0100001101],
  ["mvns", 6, 0b0100001111],
  ["orrs", 6, 0b0100001100],
  ["pop", 9, 0b1011110],
  ["push", 9, 0b1011010],
  ["rev", 6, 0b1011101000],
  ["rsbs", 6, 0b0100001001],
  ["nop", 0, 0b1011111100000000],
  ["sbcs", 6, 0b0100000110],
  ["stmia", 11, 0b11000],
  ["str5", 11, 0b01100],
  ["strSp", 11, 0b10010],
  ["str", 9, 0b0101000],
  ["strb5", 11, 0b01110],
  ["strb", 9, 0b0101010],
  ["strh5", 11, 0b10000],
  ["strh", 9, 0b0101001],
  ["spSub", 7, 0b101100001],
  ["subs3", 9, 0b0001111],
  ["subs8", 11, 0b00111],
  ["subsRegister", 9, 0b0001101],
  ["sxtb", 6, 0b1011001001],
  ["sxth", 6, 0b1011001000],
  ["tst", 6, 0b0100001000],
  ["uxtb", 6, 0b1011001011],
  ["uxth", 6, 0b1011001010],
];

// Which case of the switch below each of them is; 0 is the stock's.
const CASES = Object.fromEntries(
  ("seldom adcs addSp spAdd adds3 adds8 addsRegister addHigh adr ands asrs branchIf branch bics wide blx bx cmn cmp8 cmp " +
    "cmpHigh cpsid cpsie eors ldmia ldr5 ldrSp ldrLiteral ldr ldrb5 ldrb ldrh5 ldrh ldrsb ldrsh lsls5 lsls lsrs5 lsrs mov " +
    "movs muls mvns orrs pop push rev rsbs nop sbcs stmia str5 strSp str strb5 strb strh5 strh spSub subs3 subs8 " +
    "subsRegister sxtb sxth tst uxtb uxth")
    .split(" ")
    .map((name, n) => [name, n]),
);

const TABLE = new Uint8Array(0x10000);
for (let opcode = 0; opcode < 0x10000; opcode++) {
  const found = OPS.find(([, shift, pattern]) => opcode >> shift === pattern);
  TABLE[opcode] = CASES[found?.[0]] ?? 0;
  // BX and BLX with these bits set are none.
  if ((TABLE[opcode] === CASES.bx || TABLE[opcode] === CASES.blx) && opcode & 7) TABLE[opcode] = 0;
}

/** Whether a condition of a branch holds. */
function holds(core, condition) {
  switch (condition) {
    case 0:
      return core.Z;
    case 1:
      return !core.Z;
    case 2:
      return core.C;
    case 3:
      return !core.C;
    case 4:
      return core.N;
    case 5:
      return !core.N;
    case 6:
      return core.V;
    case 7:
      return !core.V;
    case 8:
      return core.C && !core.Z;
    case 9:
      return !core.C || core.Z;
    case 10:
      return core.N === core.V;
    case 11:
      return core.N !== core.V;
    case 12:
      return core.N === core.V && !core.Z;
    default:
      return core.N !== core.V || core.Z;
  }
}

/** What a read costs beside its own cycle: nothing of the single-cycle registers, three of what lies behind the slow bus. */
function costs(at) {
  const block = at >>> 28;
  return block === 0xd ? 0 : block === 4 ? 3 : 1;
}

function costsToWrite(at) {
  const block = at >>> 28;
  return block === 0xd ? 0 : block === 4 ? 4 : 1;
}

/** The core's instructions, over memory that has been corrected. */
export class Instructions {
  constructor(rp) {
    this.core = rp.core;
    /** As signed numbers: those the engine of this language keeps without a box. */
    this.registers = new Int32Array(rp.core.registers.buffer);
    this.bytes = rp.sram;
    this.halves = new Uint16Array(rp.sram.buffer);
    this.words = new Int32Array(rp.sram.buffer);
    this.length = rp.sram.length;
  }

  fetch(at) {
    const offset = at - RAM;
    return offset >= 0 && offset < this.length ? this.halves[offset >> 1] : this.core.readUint16(at >>> 0);
  }

  read32(at) {
    const offset = (at - RAM) >>> 0;
    return offset < this.length && (offset & 3) === 0 ? this.words[offset >> 2] : this.core.readUint32(at >>> 0);
  }

  read16(at) {
    const offset = (at - RAM) >>> 0;
    return offset < this.length && (offset & 1) === 0 ? this.halves[offset >> 1] : this.core.readUint16(at >>> 0);
  }

  read8(at) {
    const offset = (at - RAM) >>> 0;
    return offset < this.length ? this.bytes[offset] : this.core.readUint8(at >>> 0);
  }

  write32(at, value) {
    const offset = (at - RAM) >>> 0;
    if (offset < this.length && (offset & 3) === 0) this.words[offset >> 2] = value;
    else this.core.writeUint32(at >>> 0, value >>> 0);
  }

  write16(at, value) {
    const offset = (at - RAM) >>> 0;
    if (offset < this.length && (offset & 1) === 0) this.halves[offset >> 1] = value;
    else this.core.writeUint16(at >>> 0, value >>> 0);
  }

  write8(at, value) {
    const offset = (at - RAM) >>> 0;
    if (offset < this.length) this.bytes[offset] = value;
    else this.core.writeUint8(at >>> 0, value >>> 0);
  }

  /** The sum of two and what is carried, and its flags. */
  sum(one, other, carry) {
    const { core } = this;
    const value = (one + other + carry) | 0;
    core.N = value < 0;
    core.Z = value === 0;
    core.C = (one >>> 0) + (other >>> 0) + carry > 0xffffffff;
    core.V = ((one ^ value) & (other ^ value)) < 0;
    return value;
  }

  /** One less the other, less what is borrowed, and its flags. */
  less(one, other, borrow) {
    const { core } = this;
    const value = (one - other - borrow) | 0;
    core.N = value < 0;
    core.Z = value === 0;
    core.C = one >>> 0 >= (other >>> 0) + borrow;
    core.V = ((one ^ other) & (one ^ value)) < 0;
    return value;
  }

  /** What is seldom met, by the stock. */
  stock(pc) {
    this.registers[15] = pc;
    return this.core.executeInstruction();
  }

  /** Carries out the instruction at `pc`, which the program counter shows: its cycles. */
  step(pc) {
    const { core, registers: r } = this;
    const op = this.fetch(pc);
    const which = TABLE[op];
    if (which === 0) return this.stock(pc);
    r[15] = pc + 2;
    switch (which) {
      case 1: { // adcs
        r[op & 7] = this.sum(r[(op >> 3) & 7], r[op & 7], core.C ? 1 : 0);
        return 1;
      }
      case 2: { // addSp
        r[(op >> 8) & 7] = r[13] + ((op & 0xff) << 2);
        return 1;
      }
      case 3: { // spAdd
        r[13] = (r[13] + ((op & 0x7f) << 2)) & ~3;
        return 1;
      }
      case 4: { // adds3
        r[op & 7] = this.sum(r[(op >> 3) & 7], (op >> 6) & 7, 0);
        return 1;
      }
      case 5: { // adds8
        const d = (op >> 8) & 7;
        r[d] = this.sum(r[d], op & 0xff, 0);
        return 1;
      }
      case 6: { // addsRegister
        r[op & 7] = this.sum(r[(op >> 3) & 7], r[(op >> 6) & 7], 0);
        return 1;
      }
      case 7: { // addHigh
        const m = (op >> 3) & 15;
        const d = ((op & 0x80) >> 4) | (op & 7);
        const value = (d === 15 ? pc + 4 : r[d]) + (m === 15 ? pc + 4 : r[m]);
        if (d === 15) {
          r[15] = value & ~1;
          return 2;
        }
        r[d] = d === 13 ? value & ~3 : value;
        return 1;
      }
      case 8: { // adr
        r[(op >> 8) & 7] = (pc & ~3) + 4 + ((op & 0xff) << 2);
        return 1;
      }
      case 9: { // ands
        const value = r[op & 7] & r[(op >> 3) & 7];
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 10: { // asrs
        const input = r[(op >> 3) & 7];
        const by = (op >> 6) & 31;
        const value = input >> (by === 0 ? 31 : by);
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        core.C = ((input >> (by === 0 ? 31 : by - 1)) & 1) !== 0;
        return 1;
      }
      case 11: { // branchIf
        if (!holds(core, (op >> 8) & 15)) return 1;
        r[15] = pc + 4 + ((op << 24) >> 23);
        return 2;
      }
      case 12: { // branch
        r[15] = pc + 4 + ((op << 21) >> 20);
        return 2;
      }
      case 13: { // bics
        const value = r[op & 7] & ~r[(op >> 3) & 7];
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 14: { // wide
        const low = this.fetch(pc + 2);
        if ((low & 0xd000) !== 0xd000) return this.stock(pc);
        const s = (op >> 10) & 1;
        const i1 = 1 - (s ^ ((low >> 13) & 1));
        const i2 = 1 - (s ^ ((low >> 11) & 1));
        r[14] = (pc + 4) | 1;
        r[15] = pc + 4 + ((s ? 0xff000000 : 0) | (i1 << 23) | (i2 << 22) | ((op & 0x3ff) << 12) | ((low & 0x7ff) << 1));
        return 3;
      }
      case 15: { // blx
        const to = r[(op >> 3) & 15];
        r[14] = (pc + 2) | 1;
        r[15] = to & ~1;
        return 2;
      }
      case 16: { // bx
        core.BXWritePC(r[(op >> 3) & 15] >>> 0);
        return 2;
      }
      case 17: { // cmn
        this.sum(r[op & 7], r[(op >> 3) & 7], 0);
        return 1;
      }
      case 18: { // cmp8
        this.less(r[(op >> 8) & 7], op & 0xff, 0);
        return 1;
      }
      case 19: { // cmp
        this.less(r[op & 7], r[(op >> 3) & 7], 0);
        return 1;
      }
      case 20: { // cmpHigh
        this.less(r[((op >> 4) & 8) | (op & 7)], r[(op >> 3) & 15], 0);
        return 1;
      }
      case 21: { // cpsid
        core.PM = true;
        return 1;
      }
      case 22: { // cpsie
        core.PM = false;
        core.interruptsUpdated = true;
        return 1;
      }
      case 23: { // eors
        const value = r[(op >> 3) & 7] ^ r[op & 7];
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 24: { // ldmia
        const base = (op >> 8) & 7;
        let at = r[base];
        let cycles = 1;
        for (let n = 0; n < 8; n++) {
          if (!(op & (1 << n))) continue;
          r[n] = this.read32(at);
          at += 4;
          cycles++;
        }
        if (!(op & (1 << base))) r[base] = at;
        return cycles;
      }
      case 25: { // ldr5
        const at = r[(op >> 3) & 7] + ((op >> 4) & 0x7c);
        const cycles = 1 + costs(at);
        r[op & 7] = this.read32(at);
        return cycles;
      }
      case 26: { // ldrSp
        const at = r[13] + ((op & 0xff) << 2);
        const cycles = 1 + costs(at);
        r[(op >> 8) & 7] = this.read32(at);
        return cycles;
      }
      case 27: { // ldrLiteral
        const at = ((pc + 4) & ~3) + ((op & 0xff) << 2);
        const cycles = 1 + costs(at);
        r[(op >> 8) & 7] = this.read32(at);
        return cycles;
      }
      case 28: { // ldr
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costs(at);
        r[op & 7] = this.read32(at);
        return cycles;
      }
      case 29: { // ldrb5
        const at = r[(op >> 3) & 7] + ((op >> 6) & 0x1f);
        const cycles = 1 + costs(at);
        r[op & 7] = this.read8(at);
        return cycles;
      }
      case 30: { // ldrb
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costs(at);
        r[op & 7] = this.read8(at);
        return cycles;
      }
      case 31: { // ldrh5
        const at = r[(op >> 3) & 7] + ((op >> 5) & 0x3e);
        const cycles = 1 + costs(at);
        r[op & 7] = this.read16(at);
        return cycles;
      }
      case 32: { // ldrh
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costs(at);
        r[op & 7] = this.read16(at);
        return cycles;
      }
      case 33: { // ldrsb
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costs(at);
        r[op & 7] = (this.read8(at) << 24) >> 24;
        return cycles;
      }
      case 34: { // ldrsh
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costs(at);
        r[op & 7] = (this.read16(at) << 16) >> 16;
        return cycles;
      }
      case 35: { // lsls5
        const input = r[(op >> 3) & 7];
        const by = (op >> 6) & 31;
        const value = input << by;
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        if (by !== 0) core.C = ((input >>> (32 - by)) & 1) !== 0;
        return 1;
      }
      case 36: { // lsls
        const input = r[op & 7];
        const by = r[(op >> 3) & 7] & 0xff;
        const value = by >= 32 ? 0 : input << by;
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        if (by !== 0) core.C = (input & (1 << (32 - by))) !== 0;
        return 1;
      }
      case 37: { // lsrs5
        const input = r[(op >> 3) & 7];
        const by = (op >> 6) & 31;
        const value = by === 0 ? 0 : input >>> by;
        r[op & 7] = value;
        core.N = (value | 0) < 0;
        core.Z = value === 0;
        core.C = ((input >>> (by === 0 ? 31 : by - 1)) & 1) !== 0;
        return 1;
      }
      case 38: { // lsrs
        const by = r[(op >> 3) & 7] & 0xff;
        const input = r[op & 7];
        const value = by < 32 ? input >>> by : 0;
        r[op & 7] = value;
        core.N = (value | 0) < 0;
        core.Z = value === 0;
        core.C = by <= 32 ? ((input >>> (by - 1)) & 1) !== 0 : false;
        return 1;
      }
      case 39: { // mov
        const m = (op >> 3) & 15;
        const d = ((op >> 4) & 8) | (op & 7);
        const value = m === 15 ? pc + 4 : r[m];
        if (d === 15) {
          r[15] = value & ~1;
          return 2;
        }
        r[d] = d === 13 ? value & ~3 : value;
        return 1;
      }
      case 40: { // movs
        const value = op & 0xff;
        r[(op >> 8) & 7] = value;
        core.N = false;
        core.Z = value === 0;
        return 1;
      }
      case 41: { // muls
        const value = Math.imul(r[(op >> 3) & 7], r[op & 7]);
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 42: { // mvns
        const value = ~r[(op >> 3) & 7];
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 43: { // orrs
        const value = r[op & 7] | r[(op >> 3) & 7];
        r[op & 7] = value;
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 44: { // pop
        let at = r[13];
        let cycles = 1;
        for (let n = 0; n < 8; n++) {
          if (!(op & (1 << n))) continue;
          r[n] = this.read32(at);
          at += 4;
          cycles++;
        }
        if (!(op & 0x100)) {
          r[13] = at & ~3;
          return cycles;
        }
        r[13] = (at + 4) & ~3;
        core.BXWritePC(this.read32(at) >>> 0);
        return cycles + 2;
      }
      case 45: { // push
        let count = 0;
        for (let n = 0; n < 9; n++) if (op & (1 << n)) count++;
        let at = r[13] - 4 * count;
        for (let n = 0; n < 8; n++) {
          if (!(op & (1 << n))) continue;
          this.write32(at, r[n]);
          at += 4;
        }
        if (op & 0x100) this.write32(at, r[14]);
        r[13] = (r[13] - 4 * count) & ~3;
        return count + 1;
      }
      case 46: { // rev
        const input = r[(op >> 3) & 7];
        r[op & 7] = ((input & 0xff) << 24) | ((input & 0xff00) << 8) | ((input >>> 8) & 0xff00) | (input >>> 24);
        return 1;
      }
      case 47: { // rsbs
        r[op & 7] = this.less(0, r[(op >> 3) & 7], 0);
        return 1;
      }
      case 48: { // nop
        return 1;
      }
      case 49: { // sbcs
        r[op & 7] = this.less(r[op & 7], r[(op >> 3) & 7], core.C ? 0 : 1);
        return 1;
      }
      case 50: { // stmia
        const base = (op >> 8) & 7;
        let at = r[base];
        let cycles = 1;
        for (let n = 0; n < 8; n++) {
          if (!(op & (1 << n))) continue;
          this.write32(at, r[n]);
          at += 4;
          cycles++;
        }
        if (!(op & (1 << base))) r[base] = at;
        return cycles;
      }
      case 51: { // str5
        const at = r[(op >> 3) & 7] + ((op >> 4) & 0x7c);
        const cycles = 1 + costsToWrite(at);
        this.write32(at, r[op & 7]);
        return cycles;
      }
      case 52: { // strSp
        const at = r[13] + ((op & 0xff) << 2);
        const cycles = 1 + costsToWrite(at);
        this.write32(at, r[(op >> 8) & 7]);
        return cycles;
      }
      case 53: { // str
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costsToWrite(at);
        this.write32(at, r[op & 7]);
        return cycles;
      }
      case 54: { // strb5
        const at = r[(op >> 3) & 7] + ((op >> 6) & 0x1f);
        const cycles = 1 + costsToWrite(at);
        this.write8(at, r[op & 7]);
        return cycles;
      }
      case 55: { // strb
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costsToWrite(at);
        this.write8(at, r[op & 7]);
        return cycles;
      }
      case 56: { // strh5
        const at = r[(op >> 3) & 7] + ((op >> 5) & 0x3e);
        const cycles = 1 + costsToWrite(at);
        this.write16(at, r[op & 7]);
        return cycles;
      }
      case 57: { // strh
        const at = r[(op >> 6) & 7] + r[(op >> 3) & 7];
        const cycles = 1 + costsToWrite(at);
        this.write16(at, r[op & 7]);
        return cycles;
      }
      case 58: { // spSub
        r[13] = (r[13] - ((op & 0x7f) << 2)) & ~3;
        return 1;
      }
      case 59: { // subs3
        r[op & 7] = this.less(r[(op >> 3) & 7], (op >> 6) & 7, 0);
        return 1;
      }
      case 60: { // subs8
        const d = (op >> 8) & 7;
        r[d] = this.less(r[d], op & 0xff, 0);
        return 1;
      }
      case 61: { // subsRegister
        r[op & 7] = this.less(r[(op >> 3) & 7], r[(op >> 6) & 7], 0);
        return 1;
      }
      case 62: { // sxtb
        r[op & 7] = (r[(op >> 3) & 7] << 24) >> 24;
        return 1;
      }
      case 63: { // sxth
        r[op & 7] = (r[(op >> 3) & 7] << 16) >> 16;
        return 1;
      }
      case 64: { // tst
        const value = r[op & 7] & r[(op >> 3) & 7];
        core.N = value < 0;
        core.Z = value === 0;
        return 1;
      }
      case 65: { // uxtb
        r[op & 7] = r[(op >> 3) & 7] & 0xff;
        return 1;
      }
      case 66: { // uxth
        r[op & 7] = r[(op >> 3) & 7] & 0xffff;
        return 1;
      }
      default:
        return this.stock(pc);
    }
  }
}
