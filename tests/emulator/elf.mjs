// Reads what the harness needs of an image: its loadable bytes, its sections, symbols and functions. Knows no chip.

import { readFileSync } from "node:fs";

/** The loadable bytes of a 32-bit ELF file, its sections and its symbols. */
export function readElf(path) {
  const bytes = readFileSync(path);
  const segments = [];
  const symbols = new Map();
  const functions = [];
  const phoff = bytes.readUInt32LE(28);
  const shoff = bytes.readUInt32LE(32);
  for (let n = 0; n < bytes.readUInt16LE(44); n++) {
    const at = phoff + n * bytes.readUInt16LE(42);
    const [type, offset, , physical, size] = [0, 4, 8, 12, 16].map((o) => bytes.readUInt32LE(at + o));
    if (type === 1 && size > 0) segments.push({ physical, bytes: bytes.subarray(offset, offset + size) });
  }
  const sections = [];
  for (let n = 0; n < bytes.readUInt16LE(48); n++) {
    const at = shoff + n * bytes.readUInt16LE(46);
    const [name, type, flags, address, offset, size, link] = [0, 4, 8, 12, 16, 20, 24].map((o) => bytes.readUInt32LE(at + o));
    sections.push({ name, type, flags, address, offset, size, link });
  }
  const text = (offset, at) => bytes.toString("latin1", offset + at, bytes.indexOf(0, offset + at));
  const names = sections[bytes.readUInt16LE(50)];
  for (const section of sections) section.name = text(names.offset, section.name);
  for (const section of sections.filter((s) => s.type === 2)) {
    for (let at = section.offset; at < section.offset + section.size; at += 16) {
      const name = text(sections[section.link].offset, bytes.readUInt32LE(at));
      const value = bytes.readUInt32LE(at + 4);
      const size = bytes.readUInt32LE(at + 8);
      symbols.set(name, { value, size });
      if ((bytes[at + 12] & 15) === 2 && size > 0) functions.push({ name, start: value & ~1, end: (value & ~1) + size });
    }
  }
  return { segments, symbols, sections, functions };
}

/** The name of the function an address lies in, or the address. */
export function functionAt(elf, address) {
  return elf.functions.find((f) => address >= f.start && address < f.end)?.name ?? `0x${address.toString(16)}`;
}
