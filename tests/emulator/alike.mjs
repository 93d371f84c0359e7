// Whether core.mjs does what the stock emulator does: every instruction there is, at random registers, flags and memory. Left
// out is what the stock gets wrong: BLX by LR, and a sum whose carry overflows one of its parts. Prints how many were tried;
// fails at the first that is not alike.
//
//   node alike.mjs IMAGE

import { Chip, readElf } from "./chip.mjs";
import { Fault } from "./memory.mjs";

const CODE = 0x20001000;
const DATA = 0x20002000;
const DATA_WORDS = 256;
const TIMES = 3;

let seed = 1;
function dice() {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return seed >>> 0;
}

const chip = new Chip(readElf(process.argv[2]), { cache: false });
chip.onEvent = () => {};
const { rp, core, nvic, instructions } = chip;
const data = new Uint32Array(rp.sram.buffer, DATA - 0x20000000, DATA_WORDS);

/** Puts everything as it was and carries out one instruction: what came of it. */
function after(before, step) {
  core.registers.set(before.registers);
  [core.N, core.Z, core.C, core.V, core.PM] = before.flags;
  Object.assign(core, { waiting: false, eventRegistered: false, interruptsUpdated: false, pendingSVCall: false });
  data.set(before.data);
  nvic.spent = 0;
  let cycles;
  try {
    cycles = step();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return `${thrown.kind} ${thrown.address}`;
  }
  const flags = [core.N, core.Z, core.C, core.V, core.PM, core.waiting, core.eventRegistered, core.pendingSVCall];
  return [cycles, flags, [...core.registers], [...data]].join(" ");
}

let tried = 0;
for (let opcode = 0; opcode < 0x10000; opcode++) {
  for (let time = 0; time < TIMES; time++) {
    // Anything, small numbers, and places in memory whose neighbourhood the instruction may read and write.
    const value = () => [dice(), dice() % 40, DATA + 256 + (dice() % 64) * 4][dice() % 3];
    const registers = Array.from({ length: 16 }, value);
    registers[13] = DATA + 512;
    registers[15] = CODE;
    const before = { registers, flags: Array.from({ length: 5 }, () => (dice() & 1) === 1), data: Array.from(data, dice) };
    const wrong = opcode >> 6 === 0b0100000101 && before.flags[2] && [0x7fffffff, 0xffffffff].includes(registers[opcode & 7]);
    if (wrong || opcode === 0x47f0) continue;
    rp.sramView.setUint16(CODE - 0x20000000, opcode, true);
    rp.sramView.setUint16(CODE + 2 - 0x20000000, dice() & 0xffff, true);
    chip.pc = CODE;
    const stock = after(before, () => {
      const cycles = core.executeInstruction();
      return (opcode & 0xff00) === 0xb500 ? cycles + 1 : cycles;
    });
    const ours = after(before, () => instructions.step(CODE));
    if (stock !== ours) {
      console.log(`opcode ${opcode.toString(16)}\nstock ${stock.slice(0, 300)}\nours  ${ours.slice(0, 300)}\nfrom  ${registers} ${before.flags}`);
      process.exit(1);
    }
    tried++;
  }
}
console.log(`${tried} instructions alike`);
