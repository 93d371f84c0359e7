//! As much of the Cortex-M0+'s instructions as is needed to see what a function calls, how much stack it takes, and which
//! fixed addresses it touches. Knows no names.

/// What one function does, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    /// Addresses it calls or jumps to outside of itself.
    pub(crate) calls: Vec<u32>,
    /// Constants it loads, among them addresses of functions it may call.
    pub(crate) constants: Vec<u32>,
    /// Whether it calls what a register points to.
    pub(crate) indirect: bool,
    /// Bytes of stack it takes at most.
    pub(crate) stack: u32,
    /// Fixed addresses it reads or writes.
    pub(crate) touches: Vec<u32>,
}

/// The code of one function.
#[derive(Clone, Copy)]
pub(crate) struct Code<'a> {
    /// Address of its first instruction.
    pub(crate) address: u32,
    /// Its bytes, constants included.
    pub(crate) bytes: &'a [u8],
    /// Whether these bytes are instructions, by offset: constants stand among them.
    pub(crate) is_code: &'a dyn Fn(u32) -> bool,
}

/// Looks through a function once, from its first instruction to its last.
///
/// The stack is the sum of all that is pushed and reserved: a function does that once, at its beginning. Registers are
/// followed in a straight line, which is how fixed addresses are loaded; what is known is forgotten at every call.
#[must_use]
pub(crate) fn look(code: &Code) -> Seen {
    let mut seen = Seen::default();
    let mut known: [Option<u32>; 8] = [None; 8];
    let mut at = 0;
    while let Some(op) = half(code, at) {
        let here = code.address + at;
        if !(code.is_code)(here) {
            at += 2;
            continue;
        }
        if op >> 11 >= 0b11101 {
            let low = half(code, at + 2).unwrap_or(0);
            at += 4;
            if op >> 11 == 0b11110 && low & 0xD000 == 0xD000 {
                seen.calls.push(far_target(here, op, low));
                known[..4].fill(None);
            }
            continue;
        }
        at += 2;
        let op = u32::from(op);
        let (low, middle, high) = ((op & 7) as usize, (op >> 3 & 7) as usize, (op >> 8 & 7) as usize);
        let five = op >> 6 & 31;
        match op >> 8 {
            // LSL by a constant.
            0x00..=0x07 => known[low] = known[middle].map(|value| value << five),
            0x08..=0x1F => known[low] = None,
            // MOV, CMP, ADD, SUB of eight bits.
            0x20..=0x27 => known[high] = Some(op & 0xFF),
            0x28..=0x2F => {}
            0x30..=0x37 => known[high] = known[high].map(|value| value.wrapping_add(op & 0xFF)),
            0x38..=0x3F => known[high] = known[high].map(|value| value.wrapping_sub(op & 0xFF)),
            0x40..=0x43 => known[low] = None,
            // ADD and MOV with any register; CMP changes none.
            0x44 if op & 0x87 == 0x85 => {
                let reserved = known.get((op >> 3 & 15) as usize).copied().flatten().unwrap_or(0);
                if reserved.cast_signed() < 0 {
                    seen.stack += reserved.wrapping_neg();
                }
            }
            0x46 if op & 0x80 == 0 => known[low] = known.get((op >> 3 & 15) as usize).copied().flatten(),
            0x44 if op & 0x80 == 0 => known[low] = None,
            0x44..=0x46 => {}
            // BX and BLX; BX LR is the way back.
            0x47 => {
                seen.indirect |= op & 0x80 != 0 || op >> 3 & 15 != 14;
                known[..4].fill(None);
            }
            0x48..=0x4F => {
                let place = ((here + 4) & !3) + (op & 0xFF) * 4;
                known[high] = word(code, place);
                seen.constants.extend(known[high]);
            }
            0x50..=0x55 => {}
            0x56..=0x5F => known[low] = None,
            // STR, LDR; STRB, LDRB; STRH, LDRH: base and constant.
            0x60..=0x8F => {
                let size = [4, 1, 2][((op >> 12) - 6) as usize];
                seen.touches.extend(known[middle].map(|base| base.wrapping_add(five * size)));
                if op & 0x0800 != 0 {
                    known[low] = None;
                }
            }
            0x90..=0x97 => {}
            0x98..=0xAF => known[high] = None,
            0xB0 if op & 0x80 != 0 => seen.stack += (op & 0x7F) * 4,
            0xB4 | 0xB5 => seen.stack += (op & 0x1FF).count_ones() * 4,
            0xB2 | 0xBA => known[low] = None,
            0xBC | 0xBD => {
                for (register, value) in known.iter_mut().enumerate() {
                    if op & (1 << register) != 0 {
                        *value = None;
                    }
                }
            }
            0xB0..=0xBF => {}
            // STM and LDM.
            0xC0..=0xCF => {
                seen.touches.extend(known[high]);
                known[high] = None;
                if op & 0x0800 != 0 {
                    for (register, value) in known.iter_mut().enumerate() {
                        if op & (1 << register) != 0 {
                            *value = None;
                        }
                    }
                }
            }
            0xD0..=0xDD => leave(code, &mut seen, here, sign(op & 0xFF, 8)),
            0xE0..=0xE7 => leave(code, &mut seen, here, sign(op & 0x7FF, 11)),
            _ => {}
        }
    }
    seen
}

/// A jump by so many instructions: a call, if it leads out of the function.
fn leave(code: &Code, seen: &mut Seen, here: u32, halves: u32) {
    let target = here.wrapping_add(4).wrapping_add(halves << 1);
    if target.wrapping_sub(code.address) >= code.bytes.len() as u32 {
        seen.calls.push(target);
    }
}

fn half(code: &Code, offset: u32) -> Option<u16> {
    let at = offset as usize;
    Some(u16::from_le_bytes(*code.bytes.get(at..)?.first_chunk()?))
}

fn word(code: &Code, address: u32) -> Option<u32> {
    let at = address.checked_sub(code.address)? as usize;
    Some(u32::from_le_bytes(*code.bytes.get(at..)?.first_chunk()?))
}

fn sign(value: u32, bits: u32) -> u32 {
    ((value << (32 - bits)).cast_signed() >> (32 - bits)).cast_unsigned()
}

/// BL.
fn far_target(here: u32, high: u16, low: u16) -> u32 {
    let (high, low) = (u32::from(high), u32::from(low));
    let s = high >> 10 & 1;
    let (i1, i2) = (!(low >> 13 ^ s) & 1, !(low >> 11 ^ s) & 1);
    let offset = s << 24 | i1 << 23 | i2 << 22 | (high & 0x3FF) << 12 | (low & 0x7FF) << 1;
    here.wrapping_add(4).wrapping_add(sign(offset, 25))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: u32 = 0x2000_0000;

    fn seen(halves: &[u16], code: usize) -> Seen {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        let end = HERE + 2 * code as u32;
        look(&Code { address: HERE, bytes: &bytes, is_code: &|at| at < end })
    }

    #[test]
    fn a_call_forwards_and_one_back_are_seen() {
        // push {r4, lr}; bl +0x100; bl -0x10; pop {r4, pc}
        let seen = seen(&[0xB510, 0xF000, 0xF87F, 0xF7FF, 0xFFF5, 0xBD10], 6);
        assert_eq!(seen.calls, [HERE + 0x104, HERE - 0x0C - 0x04 + 0x04]);
        assert_eq!(seen.stack, 8);
        assert!(!seen.indirect);
    }

    #[test]
    fn a_jump_out_of_the_function_is_a_call_and_one_inside_is_not() {
        // b . (inside); b +0x40 (outside)
        let seen = seen(&[0xE7FE, 0xE01E], 2);
        assert_eq!(seen.calls, [HERE + 2 + 4 + 0x3C]);
    }

    #[test]
    fn a_large_frame_is_counted_by_its_constant() {
        // push {r4-r7, lr}; ldr r4, =-1000; add sp, r4; sub sp, #16; .word -1000
        let large = (-1000_i32).cast_unsigned();
        let seen = seen(&[0xB5F0, 0x4C01, 0x44A5, 0xB084, large as u16, (large >> 16) as u16], 4);
        assert_eq!(seen.stack, 20 + 1000 + 16);
        assert_eq!(seen.constants, [large]);
    }

    #[test]
    fn an_address_put_together_from_small_numbers_is_known() {
        // movs r1, #0xd; lsls r1, r1, #28; ldr r0, [r1, #0x68]: the hardware divider of SIO
        let seen = seen(&[0x210D, 0x0709, 0x6E88], 3);
        assert_eq!(seen.touches, [0xD000_0068]);
    }

    #[test]
    fn a_call_through_a_register_is_indirect_and_the_way_back_is_not() {
        assert!(seen(&[0x4780], 1).indirect, "blx r0");
        assert!(!seen(&[0x4770], 1).indirect, "bx lr");
    }
}
