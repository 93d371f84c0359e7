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
const PINS = { engine: 16, offer: 17, write: 18, bare: 19, ready: 24, panic: 25 };
const STRAPS = { maximum: 20, busy: 21, bare: 22 };
const SIZES = ["Engine", "flagship image", "maximum image", "Record", "Record in the log", "queue P0 to P1", "ring"];
const RAM_BYTES = 264 * 1024;
/** Kept for the stack of all three levels. */
const STACK_BYTES = 8 * 1024;
/** How long after an edge everything it causes at once is over, in ns. */
const HORIZON = 400_000;
const EDGES = Number(process.env.EDGES ?? 2000);

// Edges come `period` ns apart and up to `spread` more: the flagship is back in `ready` by then.
const SCENES = [
  { name: "bare interrupt", straps: ["bare"], pin: LEVER, answer: PINS.bare, period: 500_000, spread: 10_000 },
  { name: "flagship", straps: [], pin: LEVER, answer: LAMP, period: 3_400_000, spread: 100_000, risesOnly: true },
  { name: "maximum", straps: ["maximum"], pin: LEVER, answer: LAMP, period: 500_000, spread: 10_000 },
  { name: "maximum, 8 levels", straps: ["maximum"], pin: SPOUT, answer: SIGN, period: 500_000, spread: 10_000 },
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
  const seen = { faults: [], ready: false, startNanos: null, answered: null, spans: { engine: [], offer: [], write: [] }, worst: 0 };
  for (const [name, spans] of Object.entries(seen.spans)) {
    let since = null;
    chip.watch(PINS[name], (on, nanos) => {
      if (on) since = nanos;
      else if (since === null) return;
      else if (!seen.ready) seen.startNanos ??= nanos - since;
      else {
        const cycles = Math.round((nanos - since) / chip.nanosPerCycle);
        spans.push({ end: nanos, cycles });
        if (name === "engine") seen.worst = Math.max(seen.worst, cycles);
      }
    });
  }
  chip.watch(PINS.panic, (on) => on && seen.faults.push(`the image gave up at ${chip.nanos} ns`));
  chip.watch(PINS.ready, (on) => (seen.ready ||= on));
  chip.watch(answer, (on, nanos) => (seen.answered ??= nanos));
  for (let ms = 1; !seen.ready && ms < 2000 && seen.faults.length === 0; ms++) chip.runTo(ms * 1e6);
  if (!seen.ready) throw new Error(`the image never got ready: ${seen.faults}; pc ${chip.core.PC.toString(16)}`);
  chip.flashReadsInHandlers = 0;
  chip.flashReaders.clear();
  return { chip, seen };
}

/** One row: `EDGES` edges up and as many down. */
function run(elf, scene, profile) {
  const { chip, seen } = boot(elf, scene);
  const random = generator(1);
  const latencies = [];
  const steps = [];
  const cyclesAt = new Map();
  let at = chip.nanos + 20e6;
  for (let n = 0; n < EDGES && seen.faults.length === 0; n++) {
    for (const active of [true, false]) {
      at += scene.period / 2 + Math.floor(random() * scene.spread);
      // An instruction under way at that moment ends first, however long it waits for the flash; that is part of it.
      chip.runTo(at);
      for (const spans of Object.values(seen.spans)) spans.length = 0;
      seen.answered = null;
      const edgeAt = at;
      chip.setInput(scene.pin, active);
      while (profile && active && seen.answered === null && chip.nanos < edgeAt + HORIZON / 2) {
        chip.runTo(chip.nanos + 1, (pc, cycles) => cyclesAt.set(pc, (cyclesAt.get(pc) ?? 0) + cycles));
      }
      chip.runTo(edgeAt + Math.min(HORIZON, scene.period / 2 - scene.spread));
      if (seen.answered === null && (active || !scene.risesOnly)) seen.faults.push(`edge ${n} (${active ? "up" : "down"}) had no answer`);
      if (seen.answered === null || !active) continue;
      latencies.push(seen.answered - edgeAt);
      const [engine, offer, write] = [seen.spans.engine[0], seen.spans.offer[0], seen.spans.write[0]];
      if (engine && offer && write) steps.push({ engine: engine.cycles, offer: offer.cycles, write: write.cycles, done: write.end - edgeAt });
    }
  }
  if (chip.flashReadsInHandlers > 0) {
    const where = [...chip.flashReaders].slice(0, 5).map(([pc, n]) => `${n} at pc ${pc.toString(16)}`);
    seen.faults.push(`interrupts read the flash ${chip.flashReadsInHandlers} times: ${where.join(", ")}`);
  }
  return { latencies, steps, seen, chip, cyclesAt };
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
    const { latencies, steps, seen, chip, cyclesAt } = run(elf, { ...scene, straps, cache }, profile);
    last = chip;
    const edge = spread(latencies);
    const of = (name) => spread(steps.map((step) => step[name]));
    const row = { scene: scene.name, flash, n: edge.n, "p50 µs": us(edge.p50), "p99 µs": us(edge.p99), "max µs": us(edge.max) };
    if (steps.length > 0) {
      Object.assign(row, {
        "engine cycles p50": of("engine").p50, max: of("engine").max, "worst step": seen.worst, "offer": of("offer").p50,
        "write": of("write").p50, "P1 free µs": us(of("done").p50), "start ms": (seen.startNanos / 1e6).toFixed(2),
      });
    }
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
