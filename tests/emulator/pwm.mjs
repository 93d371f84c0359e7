// Pulse-width slices: what each pin carries is told as it changes, period by period, not edge by edge. A wrap interrupts
// and lets DMA move one sample, once. The stock emulator asks for DMA for ever after the first wrap, and spends three alarms
// on every period. Free running, counting up; anything else is complained about.

const SLICES = 8;
const [CSR, DIV, CTR, CC, TOP] = [0, 4, 8, 0xc, 0x10];
const [EN, INTR, INTE, INTF, INTS] = [0xa0, 0xa4, 0xa8, 0xac, 0xb0];
const IRQ = 4;
const DREQ = 24;

class Slice {
  constructor(pwm, index) {
    Object.assign(this, { pwm, index, csr: 0, div: 16, written: { cc: 0, top: 0xffff }, cc: 0, top: 0xffff, start: 0, count: 0 });
    this.alarm = pwm.rp.clock.createAlarm(() => this.wrapped());
  }

  get on() {
    return (this.csr & 1) !== 0;
  }

  get tick() {
    return ((this.div || 4096) / 16) * (1e9 / this.pwm.rp.clkSys);
  }

  get period() {
    return (this.top + 1) * this.tick;
  }

  /** Catches up with the wraps there were until now. */
  sync() {
    const { now } = this.pwm;
    while (this.on && now >= this.start + this.period) {
      const wrap = this.start + this.period;
      this.start = wrap;
      const { cc, top } = this.written;
      if (cc !== this.cc || top !== this.top) {
        this.cc = cc;
        this.top = top;
        this.pwm.told(this, wrap);
      } else {
        this.start += Math.floor((now - wrap) / this.period) * this.period;
      }
    }
  }

  get counter() {
    this.sync();
    return this.on ? Math.floor((this.pwm.now - this.start) / this.tick) : this.count;
  }

  high(channel) {
    return this.counter < ((this.cc >>> (16 * channel)) & 0xffff) !== ((this.csr >> (2 + channel)) & 1 ? true : false);
  }

  read(offset) {
    return [this.csr, this.div, this.counter, this.written.cc, this.written.top][offset / 4];
  }

  write(offset, value) {
    this.sync();
    const { now } = this.pwm;
    const count = this.counter;
    if (offset === CSR) {
      if (value & 0x72) this.pwm.rp.logger.error("PWM", "only free running, counting up, is modelled");
      const was = this.on;
      this.csr = value & 0x3f;
      if (this.on && !was) {
        Object.assign(this, this.written);
        this.start = now - this.count * this.tick;
      } else if (was && !this.on) this.count = count;
      this.pwm.told(this, now);
    } else if (offset === DIV) {
      this.div = value & 0xfff;
      this.start = now - count * this.tick;
      this.pwm.told(this, now);
    } else if (offset === CTR) {
      this.count = value & 0xffff;
      this.start = now - this.count * this.tick;
    } else if (offset === CC) this.written.cc = value;
    else if (offset === TOP) this.written.top = value & 0xffff;
    if (!this.on) Object.assign(this, this.written);
    this.plan();
  }

  /** Wraps are waited for only where someone hears them, or something is to take effect at the next. */
  plan() {
    const { cc, top } = this.written;
    const heard = (this.pwm.enable >> this.index) & 1 || this.pwm.listeners(this.index).length > 0;
    this.alarm.cancel();
    if (this.on && (heard || cc !== this.cc || top !== this.top)) this.alarm.schedule(this.start + this.period - this.pwm.now);
  }

  wrapped() {
    this.sync();
    this.pwm.raw |= 1 << this.index;
    this.pwm.interrupt();
    for (const channel of this.pwm.listeners(this.index)) channel.transfer();
    this.plan();
  }
}

export class Pwm {
  /** @param {(wave: {pin, nanos, on, cc, top, div, tick}) => void} onWave what a slice's pins carry from then on */
  constructor(rp, onWave) {
    Object.assign(this, { rp, onWave, raw: 0, enable: 0, force: 0, gpioDirection: -1, channels: [] });
    this.slices = Array.from({ length: SLICES }, (_, index) => new Slice(this, index));
    const { dma } = rp;
    const write = dma.writeUint32Atomic.bind(dma);
    dma.writeUint32Atomic = (offset, value, kind) => {
      write(offset, value, kind);
      for (const slice of this.slices) slice.plan();
    };
  }

  get now() {
    return this.rp.clock.nanos;
  }

  get clockFreq() {
    return this.rp.clkSys;
  }

  get gpioValue() {
    let value = 0;
    for (const slice of this.slices) {
      for (const channel of [0, 1]) {
        if (!slice.high(channel)) continue;
        const pin = 2 * slice.index + channel;
        value |= (1 << pin) | (1 << (pin + 16));
      }
    }
    return value;
  }

  listeners(index) {
    return this.rp.dma.channels.filter((channel) => channel.active && channel.treq === DREQ + index);
  }

  told(slice, nanos) {
    for (const channel of [0, 1]) {
      for (const pin of [2 * slice.index + channel, 2 * slice.index + channel + 16]) {
        if (pin > 29 || this.rp.gpio[pin].functionSelect !== 4) continue;
        this.wave(slice, channel, pin, nanos);
      }
    }
  }

  wave(slice, channel, pin, nanos) {
    this.onWave({ pin, nanos, on: slice.on, cc: (slice.cc >>> (16 * channel)) & 0xffff, top: slice.top, tick: slice.tick });
  }

  /** Tells what a pin carries at this moment. */
  tell(pin) {
    const slice = this.slices[(pin >> 1) % SLICES];
    slice.sync();
    this.wave(slice, pin & 1, pin, this.now);
  }

  gpioOnInput() {}

  reset() {}

  interrupt() {
    this.rp.setInterrupt(IRQ, ((this.raw & this.enable) | this.force) !== 0);
  }

  readUint32(offset) {
    if (offset < EN) return this.slices[Math.floor(offset / 0x14)].read(offset % 0x14);
    if (offset === EN) return this.slices.reduce((set, slice) => set | ((slice.csr & 1) << slice.index), 0);
    return { [INTR]: this.raw, [INTE]: this.enable, [INTF]: this.force, [INTS]: (this.raw & this.enable) | this.force }[offset] ?? 0;
  }

  writeUint32Atomic(offset, written, kind) {
    const old = this.readUint32(offset);
    const value = [written, old ^ written, old | written, old & ~written][kind] >>> 0;
    if (offset < EN) this.slices[Math.floor(offset / 0x14)].write(offset % 0x14, value);
    else if (offset === EN) {
      for (const slice of this.slices) slice.write(CSR, (slice.csr & ~1) | ((value >> slice.index) & 1));
    } else if (offset === INTR) this.raw &= ~written;
    else if (offset === INTE) {
      this.enable = value & 255;
      for (const slice of this.slices) slice.plan();
    } else if (offset === INTF) this.force = value & 255;
    this.interrupt();
  }
}
