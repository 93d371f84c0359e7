// What must hold of the emulated chip itself, by code of a few instructions each: it faults where the chip would, its watchdog
// resets what its scope says, and a handler that reads the flash is found out. Run by tests/stories/faults_on_chip.rs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Chip } from "./chip.mjs";
import { FLASH, RAM } from "./memory.mjs";

const LDR_R0 = 0x4804; // ldr r0, [pc, #16]: the first literal
const LDR_R1 = 0x4905; // ldr r1, [pc, #20]: the second
const LDR_R2_OF_R0 = 0x6802;
const STR_R1_TO_R0 = 0x6001;
const BX_R0 = 0x4700;
const BX_LR = 0x4770;
const STAY = 0xe7fe;
const NOP = 0xbf00;
const HARD_FAULT = 3;
/** A handler in flash, behind the vectors. */
const HANDLER = FLASH + 0x200;
const HANDLER_IN_RAM = RAM + 0x100;
const IRQ = 26;
const NOTHING = 0x30000000;

/** A chip whose flash holds this code, its literals, and vectors; run for a while, it says what happened. */
function run({ code, literals = [], handler = [STAY], vectors = {}, before = () => {} }) {
  const flash = Buffer.alloc(0x300);
  code.forEach((halfword, n) => flash.writeUInt16LE(halfword, 2 * n));
  literals.forEach((word, n) => flash.writeUInt32LE(word >>> 0, 20 + 4 * n));
  for (let n = 0; n < 48; n++) flash.writeUInt32LE((vectors[n] ?? HANDLER) | 1, 0x100 + 4 * n);
  handler.forEach((halfword, n) => flash.writeUInt16LE(halfword, 0x200 + 2 * n));
  const chip = new Chip({ segments: [{ physical: FLASH, bytes: flash }], symbols: new Map(), sections: [], functions: [] }, { cache: true });
  const events = [];
  chip.onEvent = (event) => events.push(event);
  before(chip);
  chip.runTo(2e6);
  return { chip, events, faults: events.filter(({ what }) => what === "fault") };
}

/** Code that takes two literals and goes on; whatever it does, it then stays where it is. */
const withLiterals = (...rest) => [LDR_R0, LDR_R1, ...rest, STAY];

test("a read of what is not there faults", () => {
  for (const address of [NOTHING, 0x5000, 0x20042000, 0x21000000, 0x40070000, 0x50400000, 0xd0001000, 0xf0000000]) {
    const { faults, chip } = run({ code: withLiterals(LDR_R2_OF_R0), literals: [address] });
    assert.equal(faults.length, 1, address.toString(16));
    assert.deepEqual([faults[0].kind, faults[0].address, faults[0].pc], ["read of nothing", address, FLASH + 4]);
    assert.equal(chip.core.IPSR, HARD_FAULT, "its handler runs");
    assert.equal(chip.core.PC, HANDLER);
  }
});

test("a write to what is not there faults, and one into the ROM", () => {
  for (const address of [NOTHING, 0x20042000, 0x40070000, 0x100]) {
    const { faults } = run({ code: withLiterals(STR_R1_TO_R0), literals: [address, 1] });
    assert.deepEqual([faults.length, faults[0]?.kind], [1, "write to nothing"], address.toString(16));
  }
});

test("what is there does not fault", () => {
  for (const address of [RAM, RAM + 0x41ffc, FLASH, 0x40054028, 0xd0000004, 0xe000ed00, 0x0]) {
    assert.deepEqual(run({ code: withLiterals(LDR_R2_OF_R0), literals: [address] }).faults, [], address.toString(16));
  }
});

test("a word that is not aligned faults", () => {
  for (const [code, kind] of [[LDR_R2_OF_R0, "unaligned read"], [STR_R1_TO_R0, "unaligned write"]]) {
    assert.equal(run({ code: withLiterals(code), literals: [RAM + 2, 1] }).faults[0]?.kind, kind);
  }
});

test("an undefined instruction faults", () => {
  // udf #0, udf.w #0, cbz, a breakpoint, and of the wide ones a load that this core lacks.
  for (const code of [[0xde00], [0xf7f0, 0xa000], [0xb100], [0xbe00], [0xf8d0, 0x1000]]) {
    const { faults } = run({ code: withLiterals(...code), literals: [RAM, 0] });
    assert.equal(faults.length, 1, code.map((half) => half.toString(16)).join(" "));
    assert.match(faults[0].kind, /undefined instruction/);
  }
});

test("a branch to an even address, or to nowhere, faults", () => {
  assert.equal(run({ code: withLiterals(BX_R0), literals: [FLASH + 8] }).faults[0]?.kind, "branch to an even address");
  const { faults } = run({ code: withLiterals(BX_R0), literals: [NOTHING | 1] });
  assert.deepEqual([faults[0]?.kind, faults[0]?.address], ["code where none may be", NOTHING]);
});

test("a fault within its handler locks the core up, and nothing runs any more", () => {
  const { events, faults, chip } = run({ code: withLiterals(LDR_R2_OF_R0), literals: [NOTHING], handler: [LDR_R2_OF_R0, STAY] });
  assert.equal(faults.length, 2);
  assert.equal(events.at(-1).what, "lockup");
  const busy = chip.busyCycles;
  chip.runTo(3e6);
  assert.equal(chip.busyCycles, busy);
});

/** Code that makes an interrupt pending. Its enable and priority 0 are set from outside. */
const interrupted = (vector, before = () => {}) =>
  run({
    code: withLiterals(STR_R1_TO_R0),
    literals: [0xe000e200, 1 << IRQ],
    handler: [NOP, BX_LR],
    vectors: { [16 + IRQ]: vector },
    before(chip) {
      chip.rp.writeUint32(0xe000e100, 1 << IRQ);
      before(chip);
    },
  });

test("a handler of an upper level that is fetched from the flash is found out, one in RAM is not", () => {
  const cold = interrupted(HANDLER);
  assert.deepEqual(cold.faults, []);
  assert.ok(cold.chip.flashReadsInHandlers >= 2, `${cold.chip.flashReadsInHandlers}`);
  assert.ok(cold.chip.flashReaders.has(HANDLER), "and where");
  const hot = interrupted(HANDLER_IN_RAM, (chip) => {
    chip.rp.sramView.setUint16(HANDLER_IN_RAM - RAM, NOP, true);
    chip.rp.sramView.setUint16(HANDLER_IN_RAM - RAM + 2, BX_LR, true);
  });
  assert.deepEqual(hot.faults, []);
  assert.equal(hot.chip.core.PC, FLASH + 6, "it came back");
  // The vector itself lies in flash here.
  assert.ok([...hot.chip.flashReaders.keys()].every((pc) => pc !== HANDLER_IN_RAM));
  assert.ok(hot.chip.flashReadsInHandlers < cold.chip.flashReadsInHandlers);
});

test("the watchdog resets the chip, and a scope that leaves something out is complained about", () => {
  const PSM_WDSEL = 0x40010008;
  for (const [scope, complaints] of [[0x1fffc, 0], [0x1fff0, 1], [0, 1]]) {
    const { chip, events } = run({
      code: withLiterals(STR_R1_TO_R0),
      literals: [0x40058000, 0x80000000],
      before(chip) {
        chip.rp.writeUint32(PSM_WDSEL, scope);
        chip.rp.sram[99] = 7;
      },
    });
    const resets = events.filter(({ what }) => what === "reset");
    assert.ok(resets.length >= 1 && resets.every(({ cause }) => cause === "forced"));
    assert.equal([...chip.complaints.keys()].filter((text) => text.includes("watchdog's scope")).length > 0 ? 1 : 0, complaints, scope.toString(16));
    assert.equal(chip.rp.sram[99], 7, "RAM outlives it");
  }
});

/** Code that faults once its stack has gone astray. */
const withoutStack = (forgiving) =>
  run({
    code: withLiterals(LDR_R2_OF_R0),
    literals: [NOTHING],
    before(chip) {
      chip.core.SP = NOTHING;
      chip.nvic.forgiving = forgiving;
    },
  });

test("without a stack a fault locks the core up, or enters its handler where that is modelled", () => {
  assert.equal(withoutStack(false).events.at(-1).what, "lockup");
  const { events, chip } = withoutStack(true);
  assert.ok(events.every(({ what }) => what !== "lockup"));
  assert.equal(chip.core.PC, HANDLER);
});

const TIMER = 0x40054000;
const [ALARM0, TIMERAWL, PAUSE, INTR] = [0x10, 0x28, 0x30, 0x34];

/** A chip that does nothing, its timer counting. */
function timing() {
  const { chip } = run({ code: [STAY] });
  chip.timer.start();
  return chip;
}

test("a timer that is paused stands, its alarms too, and it goes on from there", () => {
  const chip = timing();
  const read = (offset) => chip.rp.readUint32(TIMER + offset);
  chip.rp.writeUint32(TIMER + ALARM0, 150);
  chip.runTo(2.1e6);
  assert.equal(read(TIMERAWL), 100);
  chip.rp.writeUint32(TIMER + PAUSE, 1);
  chip.runTo(2.4e6);
  assert.deepEqual([read(TIMERAWL), read(INTR)], [100, 0]);
  chip.rp.writeUint32(TIMER + PAUSE, 0);
  // A little further: an instruction under way ends before what is read or written from outside.
  chip.runTo(2.4408e6);
  assert.deepEqual([read(TIMERAWL), read(INTR)], [140, 0]);
  chip.runTo(2.4608e6);
  assert.deepEqual([read(TIMERAWL), read(INTR)], [160, 1]);
});

test("the supply takes what is in RAM, the RUN pin does not", () => {
  for (const [what, kept] of [["reset", true], ["supply", false]]) {
    const { chip } = run({ code: [STAY] });
    chip.rp.sram[99] = 7;
    chip.at(2.5e6, () => chip.suffer(what, 1e5));
    chip.runTo(3e6);
    assert.equal(chip.rp.sram[99] === 7, kept, what);
  }
});
