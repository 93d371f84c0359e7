//! UF2, the format a board takes when it shows itself as a drive: blocks of 512 bytes, each with 256 bytes for one place in
//! flash. After the description at <https://github.com/microsoft/uf2>.

const START: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const END: u32 = 0x0AB1_6F30;
/// The word behind the count of blocks names a family of chips.
const FAMILY_PRESENT: u32 = 0x2000;
/// Bytes of flash in one block: a page.
pub(crate) const PAYLOAD: usize = 256;
/// Bytes of one block.
pub(crate) const BLOCK: usize = 512;
/// Bytes of a block before its end mark, header included.
const BODY: usize = BLOCK - 4;

/// A piece of flash: where it begins and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Its first byte's address.
    pub(crate) address: u32,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

/// The file for a family of chips. Pages no piece touches are left out; what a page has besides is zero.
#[must_use]
pub(crate) fn write(pieces: &[Piece], family: u32) -> Vec<u8> {
    let mut pages = std::collections::BTreeMap::<u32, [u8; PAYLOAD]>::new();
    for piece in pieces {
        for (n, byte) in piece.bytes.iter().enumerate() {
            let address = piece.address + n as u32;
            let page = pages.entry(address / PAYLOAD as u32 * PAYLOAD as u32).or_insert([0; PAYLOAD]);
            page[address as usize % PAYLOAD] = *byte;
        }
    }
    let count = pages.len() as u32;
    let mut file = Vec::with_capacity(pages.len() * BLOCK);
    for (n, (address, page)) in pages.into_iter().enumerate() {
        let header = [START[0], START[1], FAMILY_PRESENT, address, PAYLOAD as u32, n as u32, count, family];
        file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
        file.extend(page);
        file.resize(n * BLOCK + BODY, 0);
        file.extend(END.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICO: u32 = 0xE48B_FF56;

    fn word(block: &[u8], n: usize) -> u32 {
        u32::from_le_bytes(block[n * 4..n * 4 + 4].try_into().expect("four bytes"))
    }

    #[test]
    fn a_block_is_as_the_format_says() {
        let bytes: Vec<u8> = (0..=255).collect();
        let file = write(&[Piece { address: 0x1000_0000, bytes: &bytes }], PICO);
        assert_eq!(file.len(), 512);
        assert_eq!(&file[..4], b"UF2\n", "what every reader looks for");
        let header: Vec<u32> = (0..8).map(|n| word(&file, n)).collect();
        assert_eq!(header, [0x0A32_4655, 0x9E5D_5157, 0x2000, 0x1000_0000, 256, 0, 1, PICO]);
        assert_eq!(&file[32..288], bytes);
        assert!(file[288..508].iter().all(|byte| *byte == 0));
        assert_eq!(word(&file, 127), 0x0AB1_6F30);
    }

    #[test]
    fn pieces_that_share_a_page_share_a_block_and_gaps_have_none() {
        let pieces = [
            Piece { address: 0x1000_0000, bytes: &[1; 100] },
            Piece { address: 0x1000_0064, bytes: &[2; 300] },
            Piece { address: 0x1000_1000, bytes: &[3; 1] },
        ];
        let file = write(&pieces, PICO);
        let blocks: Vec<&[u8]> = file.chunks(BLOCK).collect();
        let places: Vec<(u32, u32, u32)> = blocks.iter().map(|b| (word(b, 3), word(b, 5), word(b, 6))).collect();
        assert_eq!(places, [(0x1000_0000, 0, 3), (0x1000_0100, 1, 3), (0x1000_1000, 2, 3)]);
        assert_eq!((blocks[0][32 + 99], blocks[0][32 + 100]), (1, 2), "one piece ends where the next begins");
        assert_eq!((blocks[1][32 + 143], blocks[1][32 + 144]), (2, 0), "behind the last byte there is nothing");
    }
}
