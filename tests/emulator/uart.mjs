// The serial port (PL011) at its real speed: FIFOs of 32, a byte takes ten bit times, levels and time-outs interrupt as the
// chip's do. The stock emulator moves bytes in no time. Knows nothing of what the bytes mean.

const [DR, RSR, FR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR] = [0, 4, 0x18, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x38, 0x3c, 0x40, 0x44, 0x48];
const FIFO = 32;
const RX = 1 << 4;
const TX = 1 << 5;
const RX_TIMEOUT = 1 << 6;
const OVERRUN = 1 << 10;
const FIFO_ENABLED = 1 << 4;
/** Bit times of silence after which what waits in the FIFO is announced. */
const TIMEOUT_BITS = 32;
const LEVELS = [1 / 8, 1 / 4, 1 / 2, 3 / 4, 7 / 8];

export class Uart {
  /** @param {(byte: number, nanos: number) => void} onByte a byte has left the chip, whole */
  constructor(rp, irq, { rx, tx }, onByte) {
    Object.assign(this, { rp, irq, onByte, dreqRx: rx, dreqTx: tx });
    this.clock = rp.clock;
    this.received = [];
    this.toSend = [];
    this.sending = null;
    this.arriving = [];
    this.registers = { [CR]: 0x300, [IFLS]: 0x12, [IBRD]: 0, [FBRD]: 0, [LCR_H]: 0, [IMSC]: 0, [DMACR]: 0 };
    this.raw = 0;
    /** Bytes the chip lost because it did not fetch them in time. */
    this.overruns = 0;
    /** The far end's speed: 1 Mbaud. */
    this.farBitNanos = 1000;
    this.shift = this.clock.createAlarm(() => this.sent());
    this.arrival = this.clock.createAlarm(() => this.arrived());
    this.silence = this.clock.createAlarm(() => {
      if (this.received.length > 0) this.raise(RX_TIMEOUT);
    });
  }

  /** Needed where the stock emulator tells a change of its peripheral clock. */
  clkPeriChanged() {}

  get bitNanos() {
    const divider = this.registers[IBRD] + this.registers[FBRD] / 64;
    return divider === 0 ? 1e6 : (divider * 16 * 1e9) / this.rp.clkPeri;
  }

  get depth() {
    return this.registers[LCR_H] & FIFO_ENABLED ? FIFO : 1;
  }

  get enabled() {
    return (this.registers[CR] & 1) !== 0;
  }

  /** Bytes from the far end, one behind the other at the port's speed, as a far end at the same speed sends them. */
  feed(bytes) {
    this.arriving.push(...bytes);
    if (!this.arrival.scheduled) this.arrival.schedule(10 * this.farBitNanos);
  }

  arrived() {
    this.arrival.scheduled = false;
    const byte = this.arriving.shift();
    // More than half a bit off at the end of a byte, and the byte is lost.
    const sameSpeed = Math.abs(this.bitNanos / this.farBitNanos - 1) < 0.05;
    if (sameSpeed && this.enabled && this.registers[CR] & 0x200) {
      if (this.received.length >= this.depth) {
        this.overruns++;
        this.raise(OVERRUN);
      } else {
        this.received.push(byte);
        this.levels();
      }
      this.silence.schedule(TIMEOUT_BITS * this.bitNanos);
    }
    if (this.arriving.length > 0) this.arrival.schedule(10 * this.farBitNanos);
  }

  threshold(shift) {
    return this.depth === 1 ? 1 : Math.floor(FIFO * (LEVELS[(this.registers[IFLS] >> shift) & 7] ?? 1 / 2));
  }

  levels() {
    if (this.received.length >= this.threshold(3)) this.raw |= RX;
    else this.raw &= ~RX;
    if (this.received.length === 0) this.raw &= ~RX_TIMEOUT;
    const { dma } = this.rp;
    const wants = this.registers[DMACR];
    if (wants & 1 && this.received.length > 0) dma.setDREQ(this.dreqRx);
    else dma.clearDREQ(this.dreqRx);
    if (wants & 2 && this.toSend.length < this.depth) dma.setDREQ(this.dreqTx);
    else dma.clearDREQ(this.dreqTx);
    this.interrupt();
  }

  raise(bits) {
    this.raw |= bits;
    this.interrupt();
  }

  interrupt() {
    this.rp.setInterrupt(this.irq, (this.raw & this.registers[IMSC]) !== 0);
  }

  put(byte) {
    if (!this.enabled || !(this.registers[CR] & 0x100)) return;
    if (this.toSend.length >= this.depth) {
      this.rp.logger.error("UART", "a byte was written to a full FIFO and is lost");
      return;
    }
    this.toSend.push(byte);
    if (this.sending === null) this.next();
    if (this.toSend.length > this.threshold(0)) this.raw &= ~TX;
    this.levels();
  }

  next() {
    const waiting = this.toSend.length;
    this.sending = this.toSend.shift() ?? null;
    if (this.sending !== null) this.shift.schedule(10 * this.bitNanos);
    // The interrupt stands for passing the level downwards.
    if (waiting > this.threshold(0) !== this.toSend.length > this.threshold(0) || (waiting > 0 && this.depth === 1)) this.raw |= TX;
  }

  sent() {
    this.shift.scheduled = false;
    this.onByte(this.sending, this.clock.nanos);
    this.next();
    this.levels();
  }

  readUint32(offset) {
    switch (offset) {
      case DR: {
        const byte = this.received.shift() ?? 0;
        this.levels();
        return byte;
      }
      case RSR:
        return 0;
      case FR: {
        const busy = this.sending !== null;
        const [rxEmpty, txFull, rxFull, txEmpty] = [
          this.received.length === 0,
          this.toSend.length >= this.depth,
          this.received.length >= this.depth,
          this.toSend.length === 0,
        ];
        return (busy ? 8 : 0) | (rxEmpty ? 16 : 0) | (txFull ? 32 : 0) | (rxFull ? 64 : 0) | (txEmpty ? 128 : 0);
      }
      case RIS:
        return this.raw;
      case MIS:
        return this.raw & this.registers[IMSC];
      default:
        return this.registers[offset] ?? ({ 0xfe0: 0x11, 0xfe4: 0x10, 0xfe8: 0x34, 0xff0: 0x0d, 0xff4: 0xf0, 0xff8: 5, 0xffc: 0xb1 }[offset] ?? 0);
    }
  }

  writeUint32Atomic(offset, value, kind) {
    if (offset === DR) return this.put(value & 0xff);
    if (offset === ICR) {
      this.raw &= ~value;
      return this.interrupt();
    }
    const old = this.registers[offset];
    if (old === undefined) return;
    this.registers[offset] = [value, old ^ value, old | value, old & ~value][kind] >>> 0;
    this.levels();
  }
}
