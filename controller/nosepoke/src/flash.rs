//! Boards that wait for firmware: finds the drive that such a board shows, checks an image against the board, and copies
//! it. The format is UF2 (github.com/microsoft/uf2): blocks of 512 bytes, each with the number of the family of chips it
//! is for.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use link::message::{LINK_CURRENT, LINK_MIN};
use link::versions::Versions;

/// Bytes of a UF2 block.
const BLOCK: usize = 512;
const MAGIC_START: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const MAGIC_END: u32 = 0x0AB1_6F30;
/// The flag of a block that names its family.
const HAS_FAMILY: u32 = 0x2000;
/// Blocks any chip of this maker takes, as one that precedes images for an RP2350.
const ABSOLUTE: u32 = 0xE48B_FF57;
/// The file by which a board's drive is known.
const INFO: &str = "INFO_UF2.TXT";
/// What a drive is called once it is plugged in.
const LABELS: [&str; 2] = ["RPI-RP2", "RP2350"];
/// Bytes copied between two looks at how far it is.
const PIECE: usize = 16 * 1024;

/// A chip that is flashed over a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// As on a Raspberry Pi Pico.
    Rp2040,
    /// As on a Raspberry Pi Pico 2.
    Rp2350,
}

impl Chip {
    /// As it is written in the names of files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rp2040 => "rp2040",
            Self::Rp2350 => "rp2350",
        }
    }

    /// The numbers of its family: for an RP2350, as its Arm and its RISC-V cores are meant.
    const fn families(self) -> &'static [u32] {
        match self {
            Self::Rp2040 => &[0xE48B_FF56],
            Self::Rp2350 => &[0xE48B_FF59, 0xE48B_FF5A, 0xE48B_FF5B],
        }
    }

    fn of_family(family: u32) -> Option<Self> {
        [Self::Rp2040, Self::Rp2350].into_iter().find(|chip| chip.families().contains(&family))
    }

    /// From what the board's drive says of it.
    fn of_info(info: &str) -> Option<Self> {
        let board = info.lines().find_map(|line| line.strip_prefix("Board-ID:"))?.trim();
        match board {
            _ if board.starts_with("RPI-RP2") => Some(Self::Rp2040),
            _ if board.starts_with("RP2350") => Some(Self::Rp2350),
            _ => None,
        }
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rp2040 => "RP2040 (Pico)",
            Self::Rp2350 => "RP2350 (Pico 2)",
        })
    }
}

/// The drive of a board that waits for firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Where it is mounted.
    pub folder: PathBuf,
    /// The board's chip.
    pub chip: Chip,
}

/// Why an image was not copied.
#[derive(Debug)]
pub enum FlashError {
    /// No board waits for firmware.
    None,
    /// A board waits for firmware, and its drive is not mounted.
    NotMounted {
        /// The drive's device file.
        device: PathBuf,
    },
    /// Several wait, and nothing says which is meant.
    Several(Vec<PathBuf>),
    /// The folder is no board's drive.
    NoDrive {
        /// The folder.
        folder: PathBuf,
    },
    /// A board's drive, but of no chip that nosepoke runs on.
    OtherBoard {
        /// The folder.
        folder: PathBuf,
    },
    /// The image cannot be read.
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no whole UF2 image.
    NoImage {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The image is for another chip.
    OtherChip {
        /// The file.
        file: PathBuf,
        /// The chip it is for, if it is one of ours.
        image: Option<Chip>,
        /// The chip of the board.
        board: Chip,
    },
    /// The image speaks another version of the link than this nosepoke.
    OtherLink {
        /// The file.
        file: PathBuf,
        /// What it speaks.
        image: Versions,
    },
    /// The drive does not take it.
    Write {
        /// The drive.
        folder: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => write!(f, "no board waits for firmware: {HOW}"),
            Self::NotMounted { device } => write!(
                f,
                "a board waits for firmware, and its drive is not mounted: udisksctl mount -b {}",
                device.display()
            ),
            Self::Several(folders) => {
                write!(f, "{} boards wait for firmware; say which:", folders.len())?;
                folders.iter().try_for_each(|folder| write!(f, "\n  --drive {}", folder.display()))
            }
            Self::NoDrive { folder } => write!(
                f,
                "{} is no board's drive: there is no {INFO} in it. Name the folder where the drive RPI-RP2 or RP2350 is mounted",
                folder.display()
            ),
            Self::OtherBoard { folder } => write!(
                f,
                "the board at {} is none that nosepoke runs on: take a Raspberry Pi Pico or Pico 2",
                folder.display()
            ),
            Self::Read { file, error } if error.kind() == io::ErrorKind::NotFound => write!(
                f,
                "there is no {}: build it by `cargo firmware`, or name the UF2 file that you have",
                file.display()
            ),
            Self::Read { file, error } => write!(f, "{} cannot be read: {error}", file.display()),
            Self::NoImage { file, why } => {
                write!(f, "{} is no firmware that can be copied: {why}. Name a UF2 file", file.display())
            }
            Self::OtherChip { file, image, board } => {
                match image {
                    Some(chip) => write!(f, "{} is for the {chip}", file.display())?,
                    None => write!(f, "{} is for another chip", file.display())?,
                }
                write!(f, ", and the board is an {board}: take the image whose name ends in {}", board.word())
            }
            Self::OtherLink { file, image } => {
                write!(
                    f,
                    "{} speaks link version {}, and this nosepoke {LINK_CURRENT}",
                    file.display(),
                    image.current
                )?;
                match (image.min > LINK_CURRENT, image.current < LINK_MIN) {
                    (true, _) => write!(f, ": update nosepoke first, or take the firmware that came with this one"),
                    (_, true) => write!(f, ": it is too old; take the firmware that came with this nosepoke"),
                    _ => write!(
                        f,
                        ", but they were built from different sources: build both from the same (`cargo firmware`)"
                    ),
                }
            }
            Self::Write { folder, error } => {
                let folder = folder.display();
                match error.kind() {
                    io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => write!(
                        f,
                        "the board's drive {folder} may not be written by you: {error}; mount it again so that it may, or \
                         copy the UF2 file there as an administrator"
                    ),
                    io::ErrorKind::StorageFull => write!(
                        f,
                        "the board's drive {folder} is full: delete what was copied onto it, or plug the board in again \
                         with BOOTSEL held, which empties it"
                    ),
                    _ => write!(
                        f,
                        "the board's drive {folder} does not take the image: {error}; plug the board in again with BOOTSEL \
                         held, and retry"
                    ),
                }
            }
        }
    }
}

impl std::error::Error for FlashError {}

/// How a board is made to wait for firmware.
const HOW: &str = "unplug the board, hold its BOOTSEL button, plug it in, let go: a drive RPI-RP2 (Pico) or RP2350 (Pico 2) \
                   appears. A board that runs a session is better left alone until it is over";

/// The one board that waits for firmware, among the drives that are mounted and those that are not.
///
/// # Errors
/// When there is none, or it is not clear which is meant.
pub fn the_one(mounted: Vec<Drive>, unmounted: Vec<PathBuf>) -> Result<Drive, FlashError> {
    match <[Drive; 1]>::try_from(mounted) {
        Ok([drive]) => Ok(drive),
        Err(several) if !several.is_empty() => {
            Err(FlashError::Several(several.into_iter().map(|drive| drive.folder).collect()))
        }
        Err(_) => {
            Err(unmounted.into_iter().next().map_or(FlashError::None, |device| FlashError::NotMounted { device }))
        }
    }
}

/// The board's drive at a folder.
///
/// # Errors
/// When it is none, or of a board that nosepoke does not run on.
pub fn drive_at(folder: &Path) -> Result<Drive, FlashError> {
    let info = fs::read(folder.join(INFO)).map_err(|_| FlashError::NoDrive { folder: folder.into() })?;
    let chip = Chip::of_info(&String::from_utf8_lossy(&info));
    chip.map(|chip| Drive { folder: folder.into(), chip })
        .ok_or_else(|| FlashError::OtherBoard { folder: folder.into() })
}

/// The drives of boards that wait for firmware, among all that is mounted.
#[must_use]
pub fn drives() -> Vec<Drive> {
    let mut found: Vec<Drive> = mounted().iter().filter_map(|folder| drive_at(folder).ok()).collect();
    found.sort_by(|one, two| one.folder.cmp(&two.folder));
    found.dedup();
    found
}

/// Drives that are plugged in and not mounted, as device files: a desktop mounts them by itself, a server does not.
#[must_use]
pub fn unmounted() -> Vec<PathBuf> {
    let labels = LABELS.iter().map(|label| Path::new("/dev/disk/by-label").join(label));
    labels.filter(|device| device.exists()).collect()
}

/// Where anything is mounted.
fn mounted() -> Vec<PathBuf> {
    if let Ok(mounts) = fs::read_to_string("/proc/mounts") {
        // Spaces in names stand there as \040.
        let folder = |line: &str| line.split(' ').nth(1).map(|name| PathBuf::from(name.replace("\\040", " ")));
        return mounts.lines().filter(|line| line.starts_with("/dev/")).filter_map(folder).collect();
    }
    if cfg!(windows) {
        return ('D'..='Z').map(|letter| PathBuf::from(format!("{letter}:\\"))).collect();
    }
    fs::read_dir("/Volumes").into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// An image that was checked against a board.
#[derive(Debug)]
pub struct Image {
    bytes: Vec<u8>,
    versions: Option<Versions>,
}

impl Image {
    /// Reads the image in `file` and checks that it is whole, for this chip, and speaks as this nosepoke does.
    ///
    /// # Errors
    /// When it cannot be read, is no whole UF2 image, is for another chip, or of a nosepoke that does not match this one.
    pub fn read(file: &Path, chip: Chip) -> Result<Self, FlashError> {
        let bytes = fs::read(file).map_err(|error| FlashError::Read { file: file.into(), error })?;
        let families = families(&bytes).map_err(|why| FlashError::NoImage { file: file.into(), why })?;
        let fits = |family: &u32| chip.families().contains(family) || *family == ABSOLUTE;
        let for_it = families.iter().any(|family| chip.families().contains(family));
        match families.iter().find(|family| !fits(family)) {
            None if for_it => {
                let versions = Versions::find(&payload(&bytes)).map(|(_, versions)| versions);
                match versions {
                    Some(image) if !image.match_ours() => Err(FlashError::OtherLink { file: file.into(), image }),
                    _ => Ok(Self { bytes, versions }),
                }
            }
            other => {
                let image = other.and_then(|family| Chip::of_family(*family));
                Err(FlashError::OtherChip { file: file.into(), image, board: chip })
            }
        }
    }

    /// Whether it is firmware of nosepoke at all; any other is copied all the same.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.versions.is_some()
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has none; never after [`Image::read`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Copies it to the board, telling how many bytes are there. The board starts it by itself when the last one came.
    ///
    /// # Errors
    /// When the drive does not take it.
    pub fn copy_to(&self, drive: &Drive, mut copied: impl FnMut(usize)) -> Result<(), FlashError> {
        let failed = |error| FlashError::Write { folder: drive.folder.clone(), error };
        let mut file = File::create(drive.folder.join("nosepoke.uf2")).map_err(failed)?;
        let mut done = 0;
        for piece in self.bytes.chunks(PIECE) {
            file.write_all(piece).map_err(failed)?;
            done += piece.len();
            // Onto the board and not only into the computer's memory, so that what is told is true.
            match file.sync_data() {
                // The board took the last block, started the image, and its drive is gone.
                Err(_) if done == self.bytes.len() && !drive.folder.join(INFO).exists() => {}
                synced => synced.map_err(failed)?,
            }
            copied(done);
        }
        Ok(())
    }
}

/// What the blocks of a whole image put into the flash, one behind the other.
fn payload(bytes: &[u8]) -> Vec<u8> {
    const BEGINS: usize = 32;
    const PAGE: usize = 256;
    bytes.chunks(BLOCK).filter_map(|block| block.get(BEGINS..BEGINS + PAGE)).flatten().copied().collect()
}

/// The families that the blocks of an image are for.
fn families(bytes: &[u8]) -> Result<Vec<u32>, &'static str> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
        return Err("its length is no number of UF2 blocks");
    }
    let word = |block: &[u8], at: usize| {
        let bytes = block.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_le_bytes)
    };
    let mut families = Vec::new();
    // One past the last block of the run under way, and how many it has.
    let (mut next, mut of) = (0, 0);
    for block in bytes.chunks(BLOCK) {
        if [word(block, 0), word(block, 4)] != MAGIC_START || word(block, BLOCK - 4) != MAGIC_END {
            return Err("a block of it does not begin and end as a UF2 block");
        }
        if word(block, 8) & HAS_FAMILY == 0 {
            return Err("it does not say which chip it is for");
        }
        let (number, blocks, family) = (word(block, 20), word(block, 24), word(block, 28));
        // The block that precedes images for an RP2350 is alone and counts for itself.
        if family != ABSOLUTE {
            if number != next || (next > 0 && blocks != of) {
                return Err("a block of it is missing or out of order");
            }
            (next, of) = (number + 1, blocks);
        }
        if !families.contains(&family) {
            families.push(family);
        }
    }
    if next == of { Ok(families) } else { Err("its last blocks are missing") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of so many blocks for a family.
    fn image(family: u32, blocks: u32) -> Vec<u8> {
        let block = |number: u32| {
            let mut block = vec![0; BLOCK];
            let fields =
                [MAGIC_START[0], MAGIC_START[1], HAS_FAMILY, 0x1000_0000 + number * 256, 256, number, blocks, family];
            for (slot, field) in block.chunks_mut(4).zip(fields) {
                slot.copy_from_slice(&field.to_le_bytes());
            }
            block[BLOCK - 4..].copy_from_slice(&MAGIC_END.to_le_bytes());
            block
        };
        (0..blocks).flat_map(block).collect()
    }

    #[test]
    fn an_image_says_which_chip_it_is_for() {
        assert_eq!(families(&image(0xE48B_FF56, 5)), Ok(vec![0xE48B_FF56]));
        let with_head = [image(ABSOLUTE, 1), image(0xE48B_FF59, 5)].concat();
        assert_eq!(families(&with_head), Ok(vec![ABSOLUTE, 0xE48B_FF59]));
    }

    #[test]
    fn an_image_that_is_cut_shuffled_or_none_is_found_out() {
        let whole = image(0xE48B_FF56, 5);
        assert!(families(&[]).is_err());
        assert!(families(b"\x7fELF").is_err());
        assert!(families(&whole[..BLOCK * 4]).is_err(), "the last block is missing");
        assert!(families(&whole[BLOCK..]).is_err(), "the first block is missing");
        assert!(families(&whole[..whole.len() - 1]).is_err());
        assert!(families(&[&whole[..BLOCK], &whole[BLOCK * 2..]].concat()).is_err());
        for at in [0, 5, BLOCK - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(families(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn of_the_boards_that_wait_there_must_be_one() {
        let drive = |folder: &str| Drive { folder: folder.into(), chip: Chip::Rp2040 };
        assert_eq!(the_one(vec![drive("/media/a")], vec!["/dev/b".into()]).ok(), Some(drive("/media/a")));
        for (mounted, unmounted, words) in [
            (vec![], vec![], ["no board waits", "BOOTSEL"]),
            (vec![], vec!["/dev/disk/by-label/RP2350".into()], ["not mounted", "-b /dev/disk/by-label/RP2350"]),
            (vec![drive("/media/a"), drive("/media/b")], vec![], ["2 boards wait", "--drive /media/b"]),
        ] {
            let said = the_one(mounted, unmounted).expect_err("not one").to_string();
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
        }
    }

    #[test]
    fn a_drive_that_does_not_take_it_is_told_with_what_to_do() {
        for (kind, word) in [
            (io::ErrorKind::ReadOnlyFilesystem, "mount it again"),
            (io::ErrorKind::StorageFull, "is full: delete"),
            (io::ErrorKind::BrokenPipe, "plug the board in again"),
        ] {
            let said = FlashError::Write { folder: "/media/RPI-RP2".into(), error: kind.into() }.to_string();
            assert!(said.contains(word) && said.contains("/media/RPI-RP2"), "{said}");
        }
    }

    #[test]
    fn a_board_says_on_its_drive_what_it_is() {
        let pico = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n";
        assert_eq!(Chip::of_info(pico), Some(Chip::Rp2040));
        assert_eq!(Chip::of_info("Model: Raspberry Pi RP2350\nBoard-ID: RP2350\n"), Some(Chip::Rp2350));
        assert_eq!(Chip::of_info("Board-ID: SAMD21G18A-Feather-v0\n"), None);
        assert_eq!(Chip::of_info(""), None);
    }
}
