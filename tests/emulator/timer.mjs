// The timer's counter of microseconds: it counts from when the image starts its tick, stands while it is paused, and its alarms
// fire at their exact nanosecond, and only if their time is still to come. The stock counts from the supply, cannot be paused,
// and rounds.

const [TIMEHR, TIMELR, ALARM0, ALARM3, TIMERAWH, TIMERAWL, PAUSE] = [0x08, 0x0c, 0x10, 0x1c, 0x24, 0x28, 0x30];
const WRAP = 2 ** 32;

export class Timer {
  constructor(rp) {
    this.timer = rp.peripherals[0x40054];
    this.clock = rp.clock;
    /** When the counter was zero, in ns; null while it has no tick. */
    this.zero = null;
    /** What it shows while it is paused; otherwise null. */
    this.held = null;
    let latched = 0;
    const read = this.timer.readUint32.bind(this.timer);
    this.timer.readUint32 = (offset) => {
      if (offset === TIMERAWL) return this.micros >>> 0;
      if (offset === TIMERAWH) return Math.floor(this.micros / WRAP);
      if (offset === TIMELR) {
        latched = Math.floor(this.micros / WRAP);
        return this.micros >>> 0;
      }
      return offset === TIMEHR ? latched : read(offset);
    };
    const write = this.timer.writeUint32.bind(this.timer);
    this.timer.writeUint32 = (offset, value) => {
      if (offset === PAUSE) this.pause((value & 1) !== 0);
      else if (offset >= ALARM0 && offset <= ALARM3) this.arm(this.timer.alarms[(offset - ALARM0) / 4], value >>> 0);
      else write(offset, value);
    };
  }

  get micros() {
    if (this.held !== null) return this.held;
    return this.zero === null ? 0 : Math.floor((this.clock.nanos - this.zero) / 1000 + 1e-9);
  }

  /** Its tick has begun. */
  start() {
    this.zero = this.clock.nanos;
  }

  arm(alarm, micros) {
    alarm.armed = true;
    alarm.targetMicros = micros;
    this.plan(alarm);
  }

  plan(alarm) {
    if (this.zero === null || this.held !== null) return;
    const now = this.micros;
    // One that is set to the microsecond under way has missed it: the chip compares when it counts.
    const wait = (alarm.targetMicros - (now % WRAP)) >>> 0 || WRAP;
    alarm.clockAlarm.schedule(this.zero + (now + wait) * 1000 - this.clock.nanos);
  }

  pause(paused) {
    const { alarms } = this.timer;
    if (paused && this.held === null) {
      this.held = this.micros;
      for (const alarm of alarms) alarm.clockAlarm.cancel();
    } else if (!paused && this.held !== null) {
      this.zero = this.clock.nanos - this.held * 1000;
      this.held = null;
      for (const alarm of alarms) if (alarm.armed) this.plan(alarm);
    }
  }
}
