// The chip as a bench that another program works: commands on the standard input, one a line, what happened on the standard
// output. Owns the words of that exchange; decides nothing by itself, and no wall clock reaches it.
//
//   node bench.mjs IMAGE [--no-cache] [--number HEX]     the number is the flash's
//
// Commands. Times are whole nanoseconds since the supply came first; only those marked = answer, with events and then a line
// that begins with `=`.
//
//   run T [e][f]       = runs to T; stops early behind an output edge (e) or a zero byte on the link (f)
//   at T pin P 0|1|z     at T, drives pad P from outside, or lets go of it
//   at T adc C V         from T on, converter channel C reads V counts
//   at T upset L HOW     at T, the code of level L goes as mishaps.mjs names it when it next runs; 4 is thread mode
//   at T suffer WHAT N … at T, the chip suffers what mishaps.mjs names so
//   stick P 0|1|z        pad P stays at a level whatever drives it, or no longer
//   uart N HEX           bytes for serial port N, from now, at its speed
//   usb HEX              bytes for the USB serial port
//   plug 0|1             the USB cable
//   power 0|1            the supply
//   reset                the RUN pin
//   powered P 0|1        pad P carries a power and is on when low (0) or high (1): an edge is who drives it, not each pulse
//   wire P Q 0|1         pad Q follows pad P from outside, inverted (1) or not
//   listen P             pad P is a speaker's: when it was high last is among the counters
//   waves 0|1            whether what PWM pins carry is told
//   time PART …          counts the cycles of each call of the one function whose name has all these parts, if there is one
//   lap PART …           divides those calls where the one function whose name has all these parts returns
//   read WHERE WORDS   = words of memory, by symbol or 0x address
//   driven             = the pads the chip drives, as a set in hex: bit n for pad n
//   counters           = what was counted since the start or `clear`
//   clear                counts from now
//
// Events: e T PIN LEVEL · u0|u1|us T HEX (bytes from serial port 0, 1, USB; T of the last) · z T (the timer counts from here) ·
// s T PIN 1 · s T PIN 0 MILLIHERTZ LOWEST HIGHEST HALF (a sound began; has ended, at T, and was this) ·
// t T CYCLES (a lap of a timed call, told at its end) · r T CAUSE (reset) · f T KIND ADDRESS PC FUNCTION LEVEL (fault) · l T (lock-up) · g T (a level's code goes wrong) · w T PIN ON CC TOP TICK_PS

import { readSync, writeSync } from "node:fs";
import { Chip, readElf } from "./chip.mjs";
import { functionAt } from "./elf.mjs";
import { Ear } from "./sound.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

class Bench {
  constructor(elf, options) {
    this.elf = elf;
    this.chip = new Chip(elf, options);
    this.out = [];
    this.bytes = new Map();
    this.stopAtEdge = false;
    this.stopAtFrame = false;
    this.waves = false;
    this.values = [0, 0, 0, 0, 876];
    this.chip.adcValue = (channel) => this.values[channel] ?? 0;
    this.ear = new Ear(this.chip, ({ pin, nanos, on, hertz, lowest, highest, half }) => {
      const what = on ? "" : ` ${Math.round(hertz * 1000)} ${lowest} ${highest} ${Math.round(half)}`;
      this.out.push(`s ${Math.round(nanos)} ${pin} ${on ? 1 : 0}${what}`);
      if (this.stopAtEdge) this.chip.stop = true;
    });
    this.chip.onEvent = (event) => this.tell(event);
  }

  tell({ at, what, ...event }) {
    const nanos = Math.round(at);
    switch (what) {
      case "edge":
        this.out.push(`e ${nanos} ${event.pin} ${event.high ? 1 : 0}`);
        if (this.stopAtEdge) this.chip.stop = true;
        break;
      case "uart":
        this.heard(`u${event.port}`, nanos, [event.byte]);
        break;
      case "usb":
        this.heard("us", nanos, event.bytes);
        break;
      case "zero":
        this.out.push(`z ${nanos}`);
        break;
      case "reset":
        this.flush();
        this.out.push(`r ${nanos} ${event.cause}`);
        this.chip.stop = true;
        break;
      case "fault":
        this.out.push(`f ${nanos} ${event.kind.replaceAll(" ", "-")} ${event.address.toString(16)} ${event.pc.toString(16)} ${functionAt(this.elf, event.pc)} ${event.level}`);
        break;
      case "lap":
        this.out.push(`t ${nanos} ${event.cycles}`);
        break;
      case "lockup":
        this.out.push(`l ${nanos}`);
        break;
      case "wrong":
        this.out.push(`g ${nanos}`);
        break;
      case "wave":
        if (!this.chip.powered.has(event.pin)) this.ear.hear({ nanos: at, ...event });
        if (this.waves || this.chip.powered.has(event.pin)) this.out.push(`w ${nanos} ${event.pin} ${event.on ? 1 : 0} ${event.cc} ${event.top} ${Math.round(event.tick * 1000)}`);
        break;
    }
  }

  heard(source, nanos, bytes) {
    const waiting = this.bytes.get(source) ?? { bytes: [], nanos: 0 };
    waiting.bytes.push(...bytes);
    waiting.nanos = nanos;
    this.bytes.set(source, waiting);
    if (this.stopAtFrame && bytes.includes(0)) this.chip.stop = true;
  }

  flush() {
    for (const [source, { bytes, nanos }] of this.bytes) this.out.push(`${source} ${nanos} ${hex(bytes)}`);
    this.bytes.clear();
  }

  answer(text) {
    this.out.push(`= ${text}`);
    const whole = Buffer.from(this.out.join("\n") + "\n");
    this.out.length = 0;
    for (let at = 0; at < whole.length; ) at += writeSync(1, whole, at);
  }

  counters() {
    const { chip } = this;
    const reads = [...chip.flashReaders].map(([pc, n]) => `${functionAt(this.elf, pc)}:${n}`);
    const told = {
      hertz: chip.rp.clkSys,
      busy_cycles: chip.busyCycles,
      masked_ns: Math.round(chip.longestMasked),
      level0_ns: Math.round(chip.longestAt[0]),
      level0_ended_ns: Math.round(chip.longestEnded[0]),
      level1_ns: Math.round(chip.longestAt[1]),
      level1_ended_ns: Math.round(chip.longestEnded[1]),
      level2_ns: Math.round(chip.longestAt[2]),
      upper_flash_reads: chip.flashReadsInHandlers,
      uart_overruns: chip.uarts[0].overruns + chip.uarts[1].overruns,
      conversions: chip.adc.conversions,
      resets: chip.resets,
      serial: chip.usbHost.serial ?? "",
    };
    for (const [name, value] of Object.entries(told)) this.out.push(`c ${name} ${value}`);
    for (const [pin, nanos] of chip.heard) this.out.push(`c high${pin}_ns ${nanos === Infinity ? "still" : Math.round(nanos)}`);
    if (chip.timed) this.out.push(`c timed_cycles ${chip.timed.longest}`);
    if (chip.timed?.lap) this.out.push(`c lap_cycles ${chip.timed.longestLap}`);
    for (const [irq, nanos] of chip.nvic.longestMasked) this.out.push(`c irq${irq}_masked_ns ${Math.round(nanos)}`);
    for (const reader of reads) this.out.push(`c reads_flash ${reader}`);
    for (const [text, count] of chip.complaints) this.out.push(`c complaint ${count} times: ${text}`);
  }

  level(text) {
    return text === "z" ? null : text === "1";
  }

  where(text) {
    if (text.startsWith("0x")) return Number(text);
    const symbol = this.elf.symbols.get(text);
    if (!symbol) throw new Error(`the image has no symbol ${text}`);
    return symbol.value;
  }

  obey(line) {
    const { chip } = this;
    const [word, ...rest] = line.split(" ");
    switch (word) {
      case "run":
        this.stopAtEdge = rest[1]?.includes("e") ?? false;
        this.stopAtFrame = rest[1]?.includes("f") ?? false;
        chip.runTo(Number(rest[0]));
        this.flush();
        return this.answer(`${Math.round(chip.nanos)}`);
      case "at": {
        const [nanos, what, number, value] = rest;
        if (what === "pin") chip.at(Number(nanos), () => chip.setInput(Number(number), this.level(value)));
        else if (what === "upset") chip.at(Number(nanos), () => chip.upset(Number(number), value));
        else if (what === "suffer") chip.at(Number(nanos), () => chip.suffer(number, ...rest.slice(3).map(Number)));
        else chip.at(Number(nanos), () => (this.values[Number(number)] = Number(value)));
        return;
      }
      case "stick":
        return chip.stick(Number(rest[0]), this.level(rest[1]));
      case "uart":
        return chip.uarts[Number(rest[0])].feed(Buffer.from(rest[1], "hex"));
      case "usb":
        return chip.usbHost.send(Buffer.from(rest[0], "hex"));
      case "plug":
        return chip.usbHost.plug(rest[0] === "1");
      case "power":
        return chip.power(rest[0] === "1");
      case "reset":
        return chip.reset("run");
      case "powered":
        chip.powered.set(Number(rest[0]), rest[1] === "1");
        return;
      case "wire":
        return chip.wire(Number(rest[0]), Number(rest[1]), rest[2] === "1");
      case "listen":
        return chip.listen(Number(rest[0]));
      case "waves":
        this.waves = rest[0] === "1";
        return;
      case "time":
      case "lap": {
        const found = this.elf.functions.filter(({ name }) => rest.every((part) => name.includes(part)));
        if (found.length === 1) chip[word](found[0].start);
        else chip.complain(`${found.length} functions are called ${rest.join(" … ")}`);
        return;
      }
      case "clear":
        return chip.clearCounters();
      case "read": {
        const at = this.where(rest[0]);
        const words = Array.from({ length: Number(rest[1]) }, (_, n) => (chip.rp.readUint32(at + 4 * n) >>> 0).toString(16));
        return this.answer(words.join(" "));
      }
      case "driven":
        return this.answer(chip.pins.driven().toString(16));
      case "counters":
        this.counters();
        return this.answer("");
      default:
        throw new Error(`no such command: ${line}`);
    }
  }
}

/** The lines of the standard input, waiting for each. */
function* lines() {
  const chunk = Buffer.alloc(1 << 16);
  let rest = "";
  for (;;) {
    const read = readSync(0, chunk);
    if (read === 0) return;
    rest += chunk.toString("latin1", 0, read);
    let from = 0;
    for (let end; (end = rest.indexOf("\n", from)) >= 0; from = end + 1) yield rest.slice(from, end);
    rest = rest.slice(from);
  }
}

const [path, ...options] = process.argv.slice(2);
const numbered = options.indexOf("--number") + 1;
const number = numbered > 0 ? BigInt(`0x${options[numbered]}`) : undefined;
const bench = new Bench(readElf(path), { cache: !options.includes("--no-cache"), number });
console.warn = (text) => bench.chip.complain(text);
console.error = (text) => bench.chip.complain(text);
for (const line of lines()) bench.obey(line);
