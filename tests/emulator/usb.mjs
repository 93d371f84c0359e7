// The far end of the USB cable: a host that enumerates the chip as a serial port and moves packets at full speed: frames of
// a millisecond, one transaction at a time on the bus, a refusal (NAK) asked again. Takes the place of the stock
// emulator's device side, which moves packets in no time and answers for a host that is not there. Knows no message.

const BIT = 1e9 / 12e6;
const FRAME = 1e6;
/** Start of frame, and the quiet end of a frame in which no transaction may begin that does not end. */
const SOF_BITS = 35 + 8;
const END_BITS = 42;
/** Token, turn-around, handshake and gap of a transaction without its payload, and of one that is refused. */
const TRANSACTION_BITS = 112;
const REFUSED_BITS = 70;
const ATTACH_NANOS = 100e6;
const RESET_NANOS = 10e6;
const RECOVERY_NANOS = 10e6;
const PACKET = 64;

const BUF_AVAILABLE = 1 << 10;
const BUF_STALL = 1 << 11;
const BUF_DATA1 = 1 << 13;
const BUF_FULL = 1 << 15;
const LENGTH = 0x3ff;
const SIE_STATUS = 0x50;
const SIE_SUSPENDED = 1 << 4;
const SIE_BUS_RESET = 1 << 19;
const PULLUP = 1 << 16;

export class UsbHost {
  /** @param {(bytes: Uint8Array, nanos: number) => void} onBytes what came from the chip's serial port */
  constructor(chip, onBytes) {
    this.chip = chip;
    this.onBytes = onBytes;
    this.plugged = false;
    this.out = [];
    this.forget();
  }

  /** The state of a connection that is not there yet. */
  forget() {
    this.attached = false;
    this.open = false;
    this.bulkIn = 0;
    this.bulkOut = 0;
    this.serial = null;
    this.script = null;
    this.step = null;
    this.toggles = new Map();
    this.busFree = 0;
    this.refusedAt = null;
    this.busy = false;
    this.alarmSet = false;
    this.turnOut = false;
    this.out.length = 0;
    this.alarm?.cancel();
    this.pause?.cancel();
  }

  /** Takes hold of a chip that was just made. */
  attach(rp) {
    this.rp = rp;
    this.usb = rp.usbCtrl;
    this.alarm = null;
    this.pause = null;
    this.forget();
    this.alarm = rp.clock.createAlarm(() => this.turn());
    this.pause = rp.clock.createAlarm(() => this.resume());
    const { usb } = this;
    usb.DPRAMUpdated = (offset, value) => {
      if (value & BUF_AVAILABLE && offset >= 0x80 && offset <= 0xfc) this.poke();
    };
    usb.onUSBEnabled = () => {};
    usb.onResetReceived = () => {};
    const write = usb.writeUint32.bind(usb);
    usb.writeUint32 = (offset, value) => {
      if (offset === SIE_STATUS && usb.rawWriteValue & SIE_SUSPENDED) usb.sieStatus &= ~SIE_SUSPENDED;
      write(offset, value);
      if (offset === 0x4c || offset === 0x40) this.look();
    };
    const read = usb.readUint32.bind(usb);
    usb.readUint32 = (offset) => (offset === 0x48 ? Math.floor(rp.clock.nanos / FRAME) & 0x7ff : read(offset));
  }

  plug(plugged) {
    if (plugged === this.plugged) return;
    this.plugged = plugged;
    if (plugged) return this.look();
    const wasAttached = this.attached;
    this.forget();
    if (wasAttached) {
      this.usb.sieStatus |= SIE_SUSPENDED;
      this.usb.sieStatusUpdated();
    }
  }

  /** Whether the chip now shows itself to the host. */
  look() {
    const shows = this.plugged && (this.usb.sieCtrl & PULLUP) !== 0 && (this.usb.mainCtrl & 1) !== 0;
    if (shows === this.attached) return;
    if (!shows) return this.forget();
    this.attached = true;
    this.script = this.enumerate();
    this.wait(ATTACH_NANOS);
  }

  send(bytes) {
    for (const byte of bytes) this.out.push(byte);
    this.poke();
  }

  // What the host does with a device that shows itself, step by step.

  *enumerate() {
    yield* this.busReset();
    yield* this.read(0x80, 6, 0x0100, 0, PACKET);
    yield* this.busReset();
    yield* this.control(0x00, 5, 1, 0, []);
    yield RECOVERY_NANOS;
    const device = yield* this.read(0x80, 6, 0x0100, 0, 18);
    const head = yield* this.read(0x80, 6, 0x0200, 0, 9);
    const configuration = yield* this.read(0x80, 6, 0x0200, 0, head[2] | (head[3] << 8));
    if (device[16] !== 0) {
      const text = yield* this.read(0x80, 6, 0x0300 | device[16], 0x0409, 255);
      this.serial = String.fromCharCode(...Array.from({ length: (text.length - 2) >> 1 }, (_, n) => text[2 + 2 * n] | (text[3 + 2 * n] << 8)));
    }
    yield* this.control(0x00, 9, 1, 0, []);
    this.toggles.clear();
    this.findEndpoints(configuration);
    yield* this.control(0x21, 0x20, 0, 0, [0x40, 0x42, 0x0f, 0, 0, 0, 8]); // 1 Mbaud 8N1, without meaning on USB
    yield* this.control(0x21, 0x22, 3, 0, []); // terminal ready
    this.open = true;
  }

  *busReset() {
    this.usb.sieStatus |= SIE_BUS_RESET;
    this.usb.sieStatusUpdated();
    this.toggles.clear();
    yield RESET_NANOS;
    yield RECOVERY_NANOS;
  }

  *read(type, request, value, index, length) {
    return yield* this.control(type, request, value, index, length);
  }

  /** A control transfer: `data` is what is sent, or how much is asked for. */
  *control(type, request, value, index, data) {
    const asks = (type & 0x80) !== 0;
    const length = asks ? data : data.length;
    yield { setup: [type, request, value & 255, value >> 8, index & 255, index >> 8, length & 255, length >> 8] };
    const answer = [];
    if (asks) {
      for (;;) {
        const packet = yield { endpoint: 0, in: true };
        answer.push(...packet);
        if (packet.length < PACKET || answer.length >= length) break;
      }
      yield { endpoint: 0, in: false, bytes: [] };
    } else {
      for (let at = 0; at < length; at += PACKET) yield { endpoint: 0, in: false, bytes: data.slice(at, at + PACKET) };
      yield { endpoint: 0, in: true };
    }
    return answer;
  }

  findEndpoints(configuration) {
    let isData = false;
    for (let at = 0; at + 1 < configuration.length && configuration[at] >= 2; at += configuration[at]) {
      if (configuration[at + 1] === 4) isData = configuration[at + 5] === 10;
      if (configuration[at + 1] !== 5 || !isData || (configuration[at + 3] & 3) !== 2) continue;
      const number = configuration[at + 2] & 15;
      if (configuration[at + 2] & 0x80) this.bulkIn = number;
      else this.bulkOut = number;
    }
  }

  /** Goes on with the script, which got `value`. */
  resume(value) {
    if (this.script === null) return;
    const { done, value: step } = this.script.next(value);
    if (done) {
      this.script = null;
      this.step = null;
      this.poke();
    } else if (typeof step === "number") {
      this.step = null;
      this.wait(step);
    } else {
      this.step = step;
      this.poke();
    }
  }

  wait(nanos) {
    this.pause.schedule(nanos);
  }

  // The bus.

  poke() {
    if (this.busy || !this.attached || this.alarmSet) return;
    const now = this.rp.clock.nanos;
    let at = Math.max(now, this.busFree);
    // A chip that had refused is asked again at the next turn of the refusals, which began when the bus fell free.
    if (this.refusedAt !== null) {
      const turn = REFUSED_BITS * BIT;
      at = Math.max(at, this.refusedAt + Math.ceil((now - this.refusedAt) / turn) * turn);
    }
    this.alarmSet = true;
    this.alarm.schedule(at - now);
  }

  control0(out) {
    return this.bufferControl(0, out);
  }

  bufferControl(endpoint, out) {
    return this.rp.usbDPRAMView.getUint32(0x80 + endpoint * 8 + (out ? 4 : 0), true);
  }

  /** The next transaction that the chip is ready for; none if it refuses all. */
  choose() {
    const { step } = this;
    if (step?.setup) return { setup: step.setup, payload: 8 };
    if (step) {
      const control = this.control0(!step.in);
      if (control & BUF_STALL) return { stalled: true, payload: 0 };
      if (!(control & BUF_AVAILABLE)) return null;
      return { ...step, payload: step.in ? control & LENGTH : step.bytes.length };
    }
    if (!this.open) return null;
    const input = this.bulkIn !== 0 && this.bufferControl(this.bulkIn, false) & BUF_AVAILABLE;
    const output = this.out.length > 0 && this.bufferControl(this.bulkOut, true) & BUF_AVAILABLE;
    if (output && (this.turnOut || !input)) {
      const bytes = this.out.slice(0, PACKET);
      return { endpoint: this.bulkOut, in: false, bytes, payload: bytes.length };
    }
    return input ? { endpoint: this.bulkIn, in: true, payload: this.bufferControl(this.bulkIn, false) & LENGTH } : null;
  }

  turn() {
    this.alarmSet = false;
    if (this.busy) return this.finish();
    const now = this.rp.clock.nanos;
    const next = this.choose();
    if (next === null) {
      this.refusedAt = now;
      return;
    }
    const takes = (TRANSACTION_BITS + 8 * next.payload) * BIT;
    const intoFrame = now % FRAME;
    const begins = intoFrame < SOF_BITS * BIT ? SOF_BITS * BIT - intoFrame : 0;
    const late = intoFrame + begins + takes > FRAME - END_BITS * BIT;
    // A wait shorter than the clock can tell would never end.
    if (late || begins > 0.01) {
      this.alarmSet = true;
      this.alarm.schedule(late ? FRAME - intoFrame + SOF_BITS * BIT : begins);
      return;
    }
    this.refusedAt = null;
    this.busy = true;
    this.underWay = next;
    this.alarmSet = true;
    this.alarm.schedule(takes);
  }

  /** The transaction under way is over, and the chip learns of it. */
  finish() {
    const { underWay: done, usb, rp } = this;
    this.busy = false;
    this.busFree = rp.clock.nanos;
    this.refusedAt = this.busFree;
    if (done.setup) {
      this.toggles.set("0i", true).set("0o", true);
      usb.epStallArm = 0;
      usb.sendSetupPacket(done.setup);
      this.resume();
    } else if (done.stalled) {
      this.chip.complain("USB: the chip refused a request of the host (stall)");
      this.resume([]);
    } else if (done.in) {
      const bytes = this.take(done.endpoint);
      if (done.endpoint === 0) this.resume([...bytes]);
      else {
        this.turnOut = true;
        this.onBytes(bytes, this.busFree);
      }
    } else {
      this.give(done.endpoint, done.bytes);
      if (done.endpoint === 0) this.resume([]);
      else {
        this.turnOut = false;
        this.out.splice(0, done.bytes.length);
      }
    }
    this.poke();
  }

  checkToggle(key, control) {
    const wanted = this.toggles.get(key) ?? false;
    if (((control & BUF_DATA1) !== 0) !== wanted) this.chip.complain(`USB: endpoint ${key} is not on the data toggle the host is on`);
    this.toggles.set(key, !wanted);
  }

  bufferAt(endpoint, out) {
    return endpoint === 0 ? 0x100 : this.usb.readEndpointControlReg(endpoint, out) & 0xffc0;
  }

  take(endpoint) {
    const control = this.bufferControl(endpoint, false);
    this.checkToggle(`${endpoint}i`, control);
    const at = this.bufferAt(endpoint, false);
    const bytes = this.rp.usbDPRAM.slice(at, at + (control & LENGTH));
    this.rp.usbDPRAMView.setUint32(0x80 + endpoint * 8, control & ~(BUF_AVAILABLE | BUF_FULL), true);
    this.usb.indicateBufferReady(endpoint, false);
    return bytes;
  }

  give(endpoint, bytes) {
    const control = this.bufferControl(endpoint, true);
    this.checkToggle(`${endpoint}o`, control);
    this.rp.usbDPRAM.set(bytes, this.bufferAt(endpoint, true));
    this.rp.usbDPRAMView.setUint32(0x84 + endpoint * 8, (control & ~(BUF_AVAILABLE | LENGTH)) | BUF_FULL | bytes.length, true);
    this.usb.indicateBufferReady(endpoint, true);
  }
}
