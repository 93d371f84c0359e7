// The converter at its real pace: 96 cycles of 48 MHz a conversion, the divider between starts, round robin over channels,
// a FIFO of four. A value is what stood at the pin when its conversion began. The stock emulator mixes the channels up.

const [CS, RESULT, FCS, FIFO, DIV, INTR, INTE, INTF, INTS] = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x20];
const CYCLE = 1e9 / 48e6;
const CONVERSION_CYCLES = 96;
const DEPTH = 4;
const CHANNELS = 5;
const IRQ = 22;
const DREQ = 36;

export class Adc {
  /** @param {(channel: number, nanos: number) => number} value what stands at a channel then, 0 to 4095 */
  constructor(rp, value) {
    Object.assign(this, { rp, value, cs: 0, fcs: 0, div: 0, enable: 0, force: 0, result: 0 });
    this.fifo = [];
    this.busy = false;
    this.conversions = 0;
    this.startAlarm = rp.clock.createAlarm(() => this.start());
    this.doneAlarm = rp.clock.createAlarm(() => this.done());
  }

  get interval() {
    return Math.max(CONVERSION_CYCLES, 1 + (this.div >>> 8) + (this.div & 255) / 256) * CYCLE;
  }

  start() {
    if (!(this.cs & 1) || this.busy) return;
    this.busy = true;
    this.beganAt = this.rp.clock.nanos;
    this.sampled = Math.max(0, Math.min(4095, Math.round(this.value((this.cs >> 12) & 7, this.beganAt))));
    this.doneAlarm.schedule(CONVERSION_CYCLES * CYCLE);
  }

  done() {
    this.busy = false;
    this.conversions++;
    this.result = this.sampled;
    if (this.fcs & 1) {
      if (this.fifo.length >= DEPTH) this.fcs |= 1 << 11;
      else this.fifo.push(this.fcs & 2 ? this.result >> 4 : this.result);
    }
    const round = (this.cs >> 16) & 31;
    if (round !== 0) {
      let channel = (this.cs >> 12) & 7;
      do channel = (channel + 1) % CHANNELS;
      while (!(round & (1 << channel)));
      this.cs = (this.cs & ~0x7000) | (channel << 12);
    }
    this.update();
    if (this.cs & 8) this.startAlarm.schedule(Math.max(0, this.beganAt + this.interval - this.rp.clock.nanos));
  }

  get raw() {
    const threshold = (this.fcs >> 24) & 15;
    return threshold > 0 && this.fifo.length >= threshold ? 1 : 0;
  }

  update() {
    this.rp.setInterrupt(IRQ, ((this.raw & this.enable) | this.force) !== 0);
    if (this.fcs & 8 && this.raw) this.rp.dma.setDREQ(DREQ);
    else this.rp.dma.clearDREQ(DREQ);
  }

  readUint32(offset) {
    switch (offset) {
      case CS:
        return this.cs | (this.busy ? 0 : 1 << 8);
      case RESULT:
        return this.result;
      case FCS:
        return this.fcs | (this.fifo.length << 16) | (this.fifo.length === DEPTH ? 1 << 9 : 0) | (this.fifo.length === 0 ? 1 << 8 : 0);
      case FIFO: {
        if (this.fifo.length === 0) this.fcs |= 1 << 10;
        const value = this.fifo.shift() ?? 0;
        this.update();
        return value;
      }
      case DIV:
        return this.div;
      case INTR:
        return this.raw;
      case INTE:
        return this.enable;
      case INTF:
        return this.force;
      case INTS:
        return (this.raw & this.enable) | this.force;
      default:
        return 0;
    }
  }

  writeUint32Atomic(offset, written, kind) {
    const old = offset === FIFO ? 0 : this.readUint32(offset);
    const value = [written, old ^ written, old | written, old & ~written][kind] >>> 0;
    if (offset === CS) {
      this.cs = (value & 0x1f700b) | (this.cs & 0x400 & ~written);
      if (!(value & 8)) this.startAlarm.cancel();
      if (value & 1 && value & 0xc && !this.busy) this.start();
    } else if (offset === FCS) this.fcs = (value & 0x0f00000f) | (this.fcs & 0xc00 & ~written);
    else if (offset === DIV) this.div = value & 0xffffff;
    else if (offset === INTE) this.enable = value & 1;
    else if (offset === INTF) this.force = value & 1;
    this.update();
  }
}
