// What the image asks of the boot ROM and of the flash itself: the flash's number. Owns a ROM of one real function, the look-up
// in its table, and of three that only return; and the flash's answer to the command that reads its number.
//
// Sources: RP2040 datasheet, "Bootrom Contents" (the well-known addresses 0x10 to 0x18, the codes of functions) and "SSI";
// the W25Q family's "Read Unique ID" (4Bh, four bytes that are passed over, eight that are the number).

/** The number of the flash of an emulated board, unless another is set. */
export const NUMBER = 0xe6616408432c3527n;

const TABLE = 0x40;
const LOOK_UP = 0x80;
const RETURN = 0xa0;
/** Connect the flash, leave XIP, empty the cache. */
const CODES = ["IF", "EX", "FC"];
/** r0: the table, r1: a code; r0: the function, or 0. */
const LOOK_UP_CODE = [
  0x8802, // loop: ldrh r2, [r0]
  0x428a, //       cmp  r2, r1
  0xd004, //       beq  found
  0x3004, //       adds r0, #4
  0x2a00, //       cmp  r2, #0
  0xd1f9, //       bne  loop
  0x2000, //       movs r0, #0
  0x4770, //       bx   lr
  0x8840, // found: ldrh r0, [r0, #2]
  0x4770, //       bx   lr
];

const READ_NUMBER = 0x4b;
const PASSED = 5;
const SSI_DR0 = 0x60;
const QSPI_SELECT_CTRL = 0x0c;
const OVERRIDE_SHIFT = 8;
const OVERRIDE_LOW = 2;

function fillRom(rom) {
  const half = (address, value) => {
    const shift = (address & 2) * 8;
    rom[address >> 2] = ((rom[address >> 2] & ~(0xffff << shift)) | (value << shift)) >>> 0;
  };
  const [m, u] = [..."Mu"].map((letter) => letter.charCodeAt(0));
  half(0x10, m | (u << 8));
  half(0x12, 1);
  half(0x14, TABLE);
  half(0x18, LOOK_UP | 1);
  CODES.forEach((code, n) => {
    half(TABLE + 4 * n, code.charCodeAt(0) | (code.charCodeAt(1) << 8));
    half(TABLE + 4 * n + 2, RETURN | 1);
  });
  LOOK_UP_CODE.forEach((opcode, n) => half(LOOK_UP + 2 * n, opcode));
  half(RETURN, 0x4770);
}

/** Gives the chip its ROM, and its flash a number. `pads` keeps the registers of the flash's pads. */
export function numberFlash(rp, pads, number) {
  fillRom(rp.bootrom);
  const ssi = rp.peripherals[0x18000];
  /** Bytes since the flash was selected by hand; null while it is not. */
  let sent = null;
  const writePad = pads.writeUint32Atomic.bind(pads);
  pads.writeUint32Atomic = (offset, value, kind) => {
    writePad(offset, value, kind);
    if (offset !== QSPI_SELECT_CTRL) return;
    const override = (pads.readUint32(offset) >>> OVERRIDE_SHIFT) & 3;
    sent = override === OVERRIDE_LOW ? [] : null;
  };
  const write = ssi.writeUint32.bind(ssi);
  ssi.writeUint32 = (offset, value) => {
    write(offset, value);
    if (offset !== SSI_DR0 || sent === null) return;
    const place = sent.push(value & 0xff) - 1 - PASSED;
    const answers = sent[0] === READ_NUMBER && place >= 0 && place < 8;
    ssi.dr0 = answers ? Number((number >> BigInt(8 * (7 - place))) & 0xffn) : 0xff;
  };
}
