// Times the spike image: edges in at exact, random nanoseconds; edges out. Owns the scenario, the table and what must
// never happen. Repeat runs print the same table; no wall clock decides anything.

import { Chip, readElf } from "./chip.mjs";

const LEVER = 2;
const SPOUT = 3;
const LAMP = 14;
const SIGN = 15;
const PINS = { engine: 16, offer: 17, write: 18, bare: 19, ready: 24, panic: 25 };
const STRAPS = { maximum: 20, busy: 21, bare: 22 };
/** How long after an edge everything it causes at once is over. */
const HORIZON = 900_000;
const EDGES = Number(process.env.EDGES ?? 2000);

/** mulberry32: the phases are random and always the same. */
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { n: sorted.length, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) };
}

/**
 * One run. `pin` in, `answer` out; `period` and `spreadOver` in ns say how far apart edges lie, so that the program is
 * where it must be when the next one comes.
 */
function run(elf, { cache, straps, pin, answer, period, spreadOver, edges, profile }) {
  const chip = new Chip(elf, { cache });
  for (const strap of straps) chip.setInput(STRAPS[strap], true);
  const faults = [];
  let ready = false;
  let answered = null;
  const spans = { engine: [], offer: [], write: [] };
  let startNanos = null;
  for (const name of Object.keys(spans)) {
    let since = null;
    chip.watch(PINS[name], (on, nanos) => {
      if (on) since = nanos;
      else if (since === null) return;
      else if (ready) spans[name].push([since, Math.round((nanos - since) / chip.nanosPerCycle)]);
      else startNanos ??= nanos - since;
    });
  }
  chip.watch(PINS.panic, (on) => on && faults.push(`panic pin at ${chip.nanos} ns, pc ${chip.core.PC.toString(16)}`));
  chip.watch(PINS.ready, (on) => (ready ||= on));
  chip.watch(answer, (on, nanos) => (answered ??= [on, nanos]));
  for (let ms = 1; !ready && ms < 2000 && faults.length === 0; ms++) chip.runTo(ms * 1e6);
  if (!ready) throw new Error(`the image never got ready: ${faults}; pc ${chip.core.PC.toString(16)} ${[...chip.complaints.keys()]}`);
  chip.flashReadsInHandlers = 0;
  chip.flashReaders.clear();

  const random = generator(1);
  const rising = [];
  const falling = [];
  let profiling = false;
  const seen = new Map();
  const onInstruction = profile
    ? (pc, cycles) => profiling && seen.set(pc, (seen.get(pc) ?? 0) + cycles)
    : undefined;
  let at = chip.nanos + 20e6;
  let steps = [];
  for (let n = 0; n < edges && faults.length === 0; n++) {
    for (const active of [true, false]) {
      at += period / 2 + Math.floor(random() * spreadOver);
      chip.runTo(at);
      const wait = random() * 8;
      chip.clock.tick(wait);
      answered = null;
      profiling = active;
      for (const list of Object.values(spans)) list.length = 0;
      const edgeAt = chip.nanos;
      chip.setInput(pin, active);
      if (profile && active) {
        while (answered === null && chip.nanos < at + HORIZON) chip.runTo(chip.nanos + 1, onInstruction);
        profiling = false;
      }
      chip.runTo(at + HORIZON);
      if (answered === null) {
        if (!(answer === LAMP && !active && !straps.includes("maximum"))) faults.push(`no answer to edge ${n} ${active}`);
        continue;
      }
      (active ? rising : falling).push(answered[1] - edgeAt);
      if (active) {
        const of = (name) => spans[name][0]?.[1] ?? 0;
        const done = Math.max(...spans.write.map(([since, cycles]) => since + cycles * chip.nanosPerCycle));
        steps.push({ engine: of("engine"), offer: of("offer"), write: spans.write.reduce((sum, [, c]) => sum + c, 0), free: done - edgeAt });
      }
    }
  }
  if (chip.flashReadsInHandlers > 0) {
    const where = [...chip.flashReaders].slice(0, 5).map(([pc, n]) => `${n} at pc ${pc.toString(16)}`);
    faults.push(`${chip.flashReadsInHandlers} reads of flash by handlers: ${where.join(", ")}`);
  }
  const sums = new Map();
  if (profile) {
    for (const [pc, cycles] of seen) {
      const name = elf.functions.find((f) => pc >= f.start && pc < f.end)?.name ?? pc.toString(16);
      sums.set(name, (sums.get(name) ?? 0) + cycles);
    }
  }
  return { rising, falling, steps, faults, complaints: chip.complaints, startNanos, sums, seen, clkSys: chip.rp.clkSys };
}

const elf = readElf(process.argv[2]);
const only = process.argv[3];
const profile = process.argv.includes("--profile");
const SCENES = [
  { name: "bare interrupt", straps: ["bare"], pin: LEVER, answer: PINS.bare, period: 60_000, spreadOver: 5_000 },
  { name: "flagship", straps: [], pin: LEVER, answer: LAMP, period: 3_400_000, spreadOver: 100_000 },
  { name: "maximum", straps: ["maximum"], pin: LEVER, answer: LAMP, period: 2_000_000, spreadOver: 5_000 },
  { name: "maximum, 8 levels", straps: ["maximum"], pin: SPOUT, answer: SIGN, period: 2_000_000, spreadOver: 5_000 },
];

const rows = [];
let failed = false;
for (const scene of SCENES) {
  if (only && !only.startsWith("--") && !scene.name.startsWith(only)) continue;
  for (const [cache, busy] of [[false, false], [true, false], [true, true]]) {
    if (profile && busy) continue;
    const straps = busy ? [...scene.straps, "busy"] : scene.straps;
    const result = run(elf, { ...scene, straps, cache, edges: EDGES, profile });
    const { p50, p99, max, n } = spread(result.rising);
    const us = (nanos) => (nanos / 1000).toFixed(2);
    const engine = spread(result.steps.map((s) => s.engine));
    const offer = spread(result.steps.map((s) => s.offer));
    const write = spread(result.steps.map((s) => s.write));
    const free = spread(result.steps.map((s) => s.free));
    rows.push({
      scene: scene.name, "flash cache": cache ? (busy ? "on, busy" : "on") : "off", n,
      "p50 µs": us(p50), "p99 µs": us(p99), "max µs": us(max),
      "engine cycles p50": engine.p50, "engine max": engine.max, "offer p50": offer.p50, "write p50": write.p50,
      "all done p50 µs": us(free.p50), "all done max µs": us(free.max), "start ms": (result.startNanos / 1e6).toFixed(2),
    });
    for (const fault of result.faults) {
      failed = true;
      console.error(`${scene.name}: ${fault}`);
    }
    for (const [text, count] of result.complaints) console.error(`${scene.name}: emulator: ${text} (${count}×)`);
    if (profile) {
      const total = [...result.sums.values()].reduce((a, b) => a + b, 0);
      for (const [name, cycles] of [...result.sums].sort((a, b) => b[1] - a[1]).slice(0, 25)) {
        console.log(`${(cycles / EDGES).toFixed(0).padStart(6)} ${((100 * cycles) / total).toFixed(0).padStart(3)} % ${name}`);
      }
      break;
    }
  }
}
console.table(rows);
if (failed) process.exit(1);
