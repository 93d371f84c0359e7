// Interrupts as the Cortex-M0+ takes them: a source's edge makes an interrupt pending, entering it ends that, a source
// still asserted when the handler returns makes it pending again; PRIMASK lets WFI wake without entering; BX to an even
// address, an undefined instruction and a bad access fault; a fault in a fault handler locks the core up.

import { Fault } from "./memory.mjs";

const ENTRY_CYCLES = 15;
const RETURN_CYCLES = 13;
export const HARD_FAULT = 3;
const NMI = 2;
const THREAD = 4;
const HANDLER_MODE = 1;

export class Nvic {
  constructor(rp, fault) {
    const { core } = rp;
    this.core = core;
    this.fault = fault;
    /** The sources as they stand, one bit each. */
    this.lines = 0;
    /** Cycles of entering and leaving in the instruction under way. */
    this.spent = 0;
    /** The priority that runs: 0 to 3, -1 in a fault, 4 in thread mode. */
    this.priority = THREAD;
    this.onEntry = () => {};
    /** Whether the handler of faults is entered with a stack that cannot be written; otherwise the core locks up, which is
     * worse. Its maker's list of what locks it up has faults within that handler, and says nothing of its entry. */
    this.forgiving = false;
    /** When each interrupt that is masked now was masked, and the longest each was before it was unmasked, in ns. */
    this.maskedAt = new Map();
    this.longestMasked = new Map();
    core.setInterrupt = (irq, on) => this.setLine(irq, on);
    core.checkForInterrupts = () => this.take();
    const enter = core.exceptionEntry.bind(core);
    core.exceptionEntry = (number) => {
      this.spent += ENTRY_CYCLES;
      if (number >= 16) core.pendingInterrupts &= ~(1 << (number - 16));
      this.priority = core.exceptionPriority(number);
      enter(number);
      if (!(core.PC & 1)) throw fault.because("vector without the Thumb bit", core.PC);
      core.PC &= ~1;
      this.onEntry(number);
    };
    const leave = core.exceptionReturn.bind(core);
    core.exceptionReturn = (value) => {
      this.spent += RETURN_CYCLES;
      const number = core.IPSR;
      leave(value);
      this.priority = core.IPSR === 0 ? THREAD : core.exceptionPriority(core.IPSR);
      if (number >= 16 && this.lines & (1 << (number - 16))) core.pendingInterrupts |= 1 << (number - 16);
      core.interruptsUpdated = true;
    };
    core.BXWritePC = (address) => {
      if (core.currentMode === 1 && address >>> 28 === 15) core.exceptionReturn(address & 0x0fffffff);
      else if (address & 1) core.PC = address & ~1;
      else throw fault.because("branch to an even address", address);
    };
    const { ppb } = rp;
    const write = ppb.writeUint32.bind(ppb);
    ppb.writeUint32 = (offset, value) => {
      // Clearing what is pending: a source that still asserts makes it pending again at once.
      if (offset === 0x280) core.pendingInterrupts = (core.pendingInterrupts & ~value) | (this.lines & value & ~this.active());
      else if (offset === 0x100 || offset === 0x180) {
        this.noteMasks(offset === 0x180, value);
        write(offset, value);
      } else if (offset === 0xd0c) this.onResetRequest((value & 4) !== 0);
      else write(offset, value);
    };
    this.onResetRequest = () => {};
    rp.onBreak = () => {
      throw fault.because("breakpoint or undefined instruction", core.PC - 2);
    };
  }

  /** Interrupts are masked or unmasked one by one, as our critical section does. */
  noteMasks(masks, bits) {
    const { core } = this;
    const now = core.rp2040.clock.nanos;
    for (let irq = 0; irq < 32; irq++) {
      if (!(bits & (1 << irq))) continue;
      const enabled = (core.enabledInterrupts & (1 << irq)) !== 0;
      if (masks && enabled) this.maskedAt.set(irq, now);
      else if (!masks && this.maskedAt.has(irq)) {
        this.longestMasked.set(irq, Math.max(this.longestMasked.get(irq) ?? 0, now - this.maskedAt.get(irq)));
        this.maskedAt.delete(irq);
      }
    }
  }

  active() {
    const { IPSR } = this.core;
    return IPSR >= 16 ? 1 << (IPSR - 16) : 0;
  }

  setLine(irq, on) {
    const bit = 1 << irq;
    if (!on) {
      this.lines &= ~bit;
      return;
    }
    if (this.lines & bit) return;
    this.lines |= bit;
    const { core } = this;
    core.pendingInterrupts |= bit;
    core.interruptsUpdated = true;
  }

  /** Ends a WFI or WFE if something is pending that would be taken, were it not for PRIMASK. */
  wake() {
    const { core } = this;
    if (this.best() !== 0) core.waiting = false;
  }

  /** The exception that would be taken if PRIMASK were clear; 0 for none. */
  best() {
    const { core } = this;
    if (core.pendingNMI) return NMI;
    const ready = core.pendingInterrupts & core.enabledInterrupts;
    if (ready === 0 && !core.pendingSVCall && !core.pendingPendSV && !core.pendingSystick) return 0;
    for (let priority = 0; priority < this.priority; priority++) {
      if (core.pendingSVCall && priority === core.svCallPriority) return 11;
      if (core.pendingPendSV && priority === core.pendSVPriority) return 14;
      if (core.pendingSystick && priority === core.systickPriority) return 15;
      const here = ready & core.interruptPriorities[priority];
      if (here !== 0) return 16 + 31 - Math.clz32(here & -here);
    }
    return 0;
  }

  /** Takes the best exception, if it may be taken now. */
  take() {
    const { core } = this;
    const number = this.best();
    core.interruptsUpdated = false;
    if (number === 0 || (core.PM && number !== NMI)) return false;
    if (number === NMI) core.pendingNMI = false;
    else if (number === 11) core.pendingSVCall = false;
    else if (number === 14) core.pendingPendSV = false;
    else if (number === 15) core.pendingSystick = false;
    core.waiting = false;
    core.exceptionEntry(number);
    core.interruptsUpdated = true;
    return true;
  }

  /** Enters the fault handler; false if the core locks up instead. */
  enterFault() {
    const { core } = this;
    if (core.IPSR === HARD_FAULT || core.IPSR === NMI) return false;
    core.waiting = false;
    try {
      core.exceptionEntry(HARD_FAULT);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return this.forgiving && this.enterWithoutStack();
    }
    return true;
  }

  /** Enters the fault handler with nothing put on the stack; false if its vector cannot be had. */
  enterWithoutStack() {
    const { core } = this;
    try {
      const vector = core.readUint32(core.VTOR + 4 * HARD_FAULT);
      Object.assign(core, { currentMode: HANDLER_MODE, IPSR: HARD_FAULT, PC: vector & ~1 });
      this.priority = core.exceptionPriority(HARD_FAULT);
      return (vector & 1) === 1;
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return false;
    }
  }
}
