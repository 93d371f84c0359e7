// DMA's own timers: they pace transfers at X/Y of the clock. The stock emulator takes the fraction upside down, and shifts
// the fourth timer away.

const FIRST_TIMER = 59;

/** Sets the pace right. */
export function correctDma(rp) {
  const { dma } = rp;
  dma.getTimer = (treq) => {
    const register = [dma.timer0, dma.timer1, dma.timer2, dma.timer3][treq - FIRST_TIMER];
    if (register === undefined) return 0;
    const [times, over] = [register >>> 16, register & 0xffff];
    return times === 0 || over === 0 ? 0 : ((over / times) * 1e6) / rp.clkSys;
  };
}
