// Times the spike image: edges in at exact, random nanoseconds; edges out. Owns the scenes, the table and what must never
// happen. A second run prints the same table; no wall clock decides anything.
//
//   node spike.mjs IMAGE [SCENE] [--profile]      EDGES=n edges a row; --profile: cycles by function up to the answer

import { writeFileSync } from "node:fs";
import { Chip, readElf } from "./chip.mjs";

const LEVER = 2;
const SPOUT = 3;
const LAMP = 14;
const SIGN = 15;
const PINS = { turn: 16, bare: 19, ready: 24, panic: 25 };
/** The interlock reads back what it wrote. */
const OUTPUTS = [10, 11, 12, 13, 14, 15];
const STRAPS = { maximum: 20, busy: 21, bare: 22 };
const SIZES = ["P1", "P0", "flagship image", "maximum image", "ring"];
const RAM_BYTES = 264 * 1024;
/** Kept for the stack of all three levels. */
const STACK_BYTES = 8 * 1024;
/** How long after an edge everything it causes at once is over, in ns. */
const HORIZON = 1_500_000;
/** About as long as the longest step takes, in ns. */
const STEP_NANOS = 100_000;
const EDGES = Number(process.env.EDGES ?? 2000);

// Edges come `period` ns apart and up to `spread` more: the flagship is back in `ready` by then.
const SCENES = [
  { name: "bare interrupt", straps: ["bare"], pin: LEVER, answer: PINS.bare, period: 500_000, spread: 10_000 },
  { name: "flagship", straps: [], pin: LEVER, answer: LAMP, period: 3_400_000, spread: 100_000, risesOnly: true },
  // An edge at any moment while a trial begins, the longest step there is.
  { name: "trial begins", straps: [], pin: LEVER, answer: LAMP, period: 3_400_000, spread: 100_000, from: "begin_trial" },
  { name: "maximum", straps: ["maximum"], pin: LEVER, answer: LAMP, period: 4_000_000, spread: 10_000 },
  { name: "maximum, 8 levels", straps: ["maximum"], pin: SPOUT, answer: SIGN, period: 4_000_000, spread: 10_000 },
  // Edges that come before P1 is ready for them: no answer is foreseen.
  { name: "maximum, in haste", straps: ["maximum"], pin: LEVER, answer: LAMP, period: 200_000, spread: 10_000 },
  { name: "maximum, 8 levels, in haste", straps: ["maximum"], pin: SPOUT, answer: SIGN, period: 400_000, spread: 10_000 },
];

/** mulberry32: the phases are random and always the same. */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const quantile = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return { n: sorted.length, p50: quantile(0.5), p99: quantile(0.99), max: sorted.at(-1) };
}

/** Boots the image; a chip that is ready, and what its marks will have shown. */
function boot(elf, { cache, straps, answer }) {
  const chip = new Chip(elf, { cache });
  for (const strap of straps) chip.setInput(STRAPS[strap], true);
  for (const pin of OUTPUTS) chip.rp.gpio[pin].addListener((level) => chip.setInput(pin, level === 1));
  const seen = { faults: [], ready: false, answered: null, turns: [], worst: 0 };
  let since = null;
  chip.watch(PINS.turn, (on, nanos) => {
    if (on) since = nanos;
    else if (seen.ready && since !== null) {
      const cycles = Math.round((nanos - since) / chip.nanosPerCycle);
      seen.turns.push({ end: nanos, cycles });
      seen.worst = Math.max(seen.worst, cycles);
    }
  });
  chip.watch(PINS.panic, (on) => on && seen.faults.push(`the image gave up at ${chip.nanos} ns`));
  chip.watch(PINS.ready, (on) => (seen.ready ||= on));
  chip.watch(answer, (on, nanos) => (seen.answered ??= nanos));
  for (let ms = 1; !seen.ready && ms < 10_000 && seen.faults.length === 0; ms++) chip.runTo(ms * 1e6);
  if (!seen.ready) throw new Error(`the image never got ready: ${seen.faults}; pc ${chip.core.PC.toString(16)}`);
  chip.flashReadsInHandlers = 0;
  chip.flashReaders.clear();
  return { chip, seen };
}

/** Runs until a function is entered, at most for 100 ms. */
function runToFunction(elf, chip, name) {
  const found = elf.functions.filter((f) => f.name.includes(name));
  if (found.length === 0) throw new Error(`the image has no function ${name}`);
  const starts = new Set(found.map((f) => f.start));
  let entered = false;
  const limit = chip.nanos + 100e6;
  while (!entered && chip.nanos < limit) chip.runTo(chip.nanos + 1, (pc) => (entered ||= starts.has(pc)));
  if (!entered) throw new Error(`${name} was not entered within 100 ms`);
}

/** One row: `EDGES` edges up and as many down. */
function run(elf, scene, profile) {
  const { chip, seen } = boot(elf, scene);
  const random = generator(1);
  const latencies = [];
  const free = [];
  const cyclesAt = new Map();
  let at = chip.nanos + 20e6;
  for (let n = 0; n < EDGES && seen.faults.length === 0; n++) {
    for (const active of [true, false]) {
      if (scene.from && active) {
        runToFunction(elf, chip, scene.from);
        at = chip.nanos + Math.floor(random() * STEP_NANOS);
      } else at += scene.period / 2 + Math.floor(random() * scene.spread);
      // An instruction under way at that moment ends first, however long it waits for the flash; that is part of it.
      chip.runTo(at);
      seen.turns.length = 0;
      seen.answered = null;
      const edgeAt = at;
      chip.setInput(scene.pin, active);
      while (profile && active && (process.env.WHOLE || seen.answered === null) && chip.nanos < edgeAt + HORIZON / 2) {
        chip.runTo(chip.nanos + 1, (pc, cycles) => cyclesAt.set(pc, (cyclesAt.get(pc) ?? 0) + cycles));
      }
      chip.runTo(edgeAt + Math.min(HORIZON, scene.period / 2 - scene.spread));
      const mustAnswer = active || !(scene.risesOnly || scene.from);
      if (seen.answered === null && mustAnswer) seen.faults.push(`edge ${n} (${active ? "up" : "down"}) had no answer`);
      if (seen.answered === null || !active) continue;
      latencies.push(seen.answered - edgeAt);
      if (seen.turns.length > 0) free.push(seen.turns.at(-1).end - edgeAt);
    }
  }
  if (chip.flashReadsInHandlers > 0) {
    const where = [...chip.flashReaders].slice(0, 5).map(([pc, n]) => {
      const name = elf.functions.find((f) => pc >= f.start && pc < f.end)?.name;
      return `${n} at pc ${pc.toString(16)} ${name}`;
    });
    seen.faults.push(`interrupts read the flash ${chip.flashReadsInHandlers} times: ${where.join(", ")}`);
  }
  return { latencies, free, seen, chip, cyclesAt };
}

function printProfile(elf, scene, cyclesAt) {
  const sums = new Map();
  for (const [pc, cycles] of cyclesAt) {
    const name = elf.functions.find((f) => pc >= f.start && pc < f.end)?.name ?? pc.toString(16);
    sums.set(name, (sums.get(name) ?? 0) + cycles);
  }
  console.log(`${scene.name}: cycles from edge to answer, by function`);
  for (const [name, cycles] of [...sums].sort((a, b) => b[1] - a[1]).slice(0, 20)) {
    console.log(`${(cycles / EDGES).toFixed(0).padStart(7)} ${name}`);
  }
  const { PCS } = process.env;
  if (PCS) writeFileSync(`${PCS}.${scene.name}`, [...cyclesAt].map(([pc, c]) => `${pc.toString(16)} ${c / EDGES}`).join("\n"));
}

function printMemory(elf, chip) {
  const at = elf.symbols.get("SPIKE_SIZES").value;
  const sizes = SIZES.map((name, n) => [name, chip.rp.readUint32(at + 4 * n)]);
  for (const name of [".cold", ".data", ".hot", ".bss"]) {
    const section = elf.sections.find((s) => s.name === name);
    sizes.push([`${name} (${section.address < 0x20000000 ? "flash" : "RAM"})`, section.size]);
  }
  const inRam = elf.sections.filter((s) => s.flags & 2 && s.address >= 0x20000000).reduce((sum, s) => sum + s.size, 0);
  const ring = sizes.find(([name]) => name === "ring")[1];
  sizes.push(["left for a ring", RAM_BYTES - STACK_BYTES - (inRam - ring)]);
  console.log("\nBytes");
  for (const [name, bytes] of sizes) console.log(`${String(bytes).padStart(8)}  ${name}`);
}

const elf = readElf(process.argv[2]);
const profile = process.argv.includes("--profile");
const only = process.argv[3]?.startsWith("--") ? undefined : process.argv[3];
const us = (nanos) => (nanos / 1000).toFixed(2);
const rows = [];
const faults = new Set();
let last;
for (const scene of SCENES.filter((s) => !only || s.name.startsWith(only))) {
  for (const [flash, cache, busy] of [["no cost", false, false], ["cache", true, false], ["cache, P2 in flash", true, true]]) {
    if (profile && flash !== "no cost") continue;
    const straps = busy ? [...scene.straps, "busy"] : scene.straps;
    const { latencies, free, seen, chip, cyclesAt } = run(elf, { ...scene, straps, cache }, profile);
    last = chip;
    const edge = spread(latencies);
    const row = { scene: scene.name, flash, n: edge.n, "p50 µs": us(edge.p50), "p99 µs": us(edge.p99), "max µs": us(edge.max) };
    row["p50 cycles"] = Math.round(edge.p50 / chip.nanosPerCycle);
    if (free.length > 0) Object.assign(row, { "P1 free µs": us(spread(free).p50), "longest turn of P1, cycles": seen.worst });
    rows.push(row);
    for (const fault of seen.faults) faults.add(`${scene.name}, ${flash}: ${fault}`);
    for (const [text, count] of chip.complaints) console.error(`${scene.name}: the emulator says: ${text} (${count} times)`);
    if (profile) printProfile(elf, scene, cyclesAt);
  }
}
console.log(`Edge in to edge out, emulated RP2040 at ${last.rp.clkSys / 1e6} MHz`);
console.table(rows);
printMemory(elf, last);
for (const fault of faults) console.error(`FAILED: ${fault}`);
process.exit(faults.size > 0 ? 1 : 0);
