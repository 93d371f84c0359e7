//! A program and a rig on their way to the device, in pieces, and what is refused on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use link::message::{PIECE_BYTES, Upload};
use link::upload::{Assembling, Store, Uploader};
use link::{Answer, Command, Refusal};

/// A device's part: takes one upload into `store`.
fn carry_out<S: Store + ?Sized>(upload: &mut Option<Assembling>, store: &mut S, command: &Command) -> Answer {
    let result = match command {
        Command::Begin { what, bytes, hash } => {
            Assembling::begin(*what, *bytes, *hash, store).map(|begun| *upload = Some(begun))
        }
        Command::Piece { offset, bytes } => match upload {
            Some(upload) => upload.piece(*offset, bytes, store),
            None => Err(Refusal::BadPiece),
        },
        Command::Finish => upload.as_ref().map_or(Err(Refusal::BadPiece), Assembling::finish),
        other => panic!("{other:?} is no part of an upload"),
    };
    result.into()
}

fn image() -> Vec<u32> {
    (0..250_u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect()
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn a_program_arrives_word_for_word_and_its_hash_names_it() {
    let (words, bytes) = (image(), bytes_of(&image()));
    let (mut upload, mut store) = (None, [0xFFFF_FFFF_u32; 300]);
    let mut uploader = Uploader::new(Upload::Program, &bytes);
    let mut commands = 0;
    for command in uploader.by_ref() {
        commands += 1;
        if let Command::Begin { hash, .. } = command {
            assert_eq!(hash, link::program::hash(&words), "the upload's hash is the program's own");
        }
        assert_eq!(carry_out(&mut upload, store.as_mut_slice(), &command), Answer::Done);
    }
    assert_eq!(commands, 2 + bytes.len().div_ceil(PIECE_BYTES));
    assert_eq!(uploader.progress(), (1_000, 1_000));
    assert_eq!(upload.unwrap().length(), 1_000);
    assert_eq!((&store[..250], store[250]), (words.as_slice(), 0xFFFF_FFFF));
}

#[test]
fn a_rig_arrives_byte_for_byte_and_a_doubled_piece_does_no_harm() {
    let bytes: Vec<u8> = (0..=255).chain(0..=100).collect();
    let (mut upload, mut store) = (None, [0_u8; 512]);
    for command in Uploader::new(Upload::Rig, &bytes) {
        for _ in 0..2 {
            assert_eq!(carry_out(&mut upload, store.as_mut_slice(), &command), Answer::Done, "{command:?}");
            if !matches!(command, Command::Piece { .. }) {
                break;
            }
        }
    }
    assert_eq!(&store[..bytes.len()], bytes);
}

#[test]
fn what_is_missing_or_wrong_is_found_at_the_latest_by_the_hash() {
    let bytes = bytes_of(&image());
    let commands: Vec<Command> = Uploader::new(Upload::Program, &bytes).collect();
    let refused = |change: fn(&mut Vec<Command>)| {
        let mut commands = commands.clone();
        change(&mut commands);
        let (mut upload, mut store) = (None, [0_u32; 300]);
        let mut answers = commands.iter().map(|command| carry_out(&mut upload, store.as_mut_slice(), command));
        answers.find(|answer| *answer != Answer::Done)
    };
    assert_eq!(refused(|_| {}), None);
    let bad_piece = Some(Answer::Refused(Refusal::BadPiece));
    assert_eq!(refused(|commands| drop(commands.remove(0))), bad_piece, "no beginning");
    assert_eq!(refused(|commands| drop(commands.remove(2))), bad_piece, "a gap");
    assert_eq!(refused(|commands| drop(commands.remove(7))), bad_piece, "the last piece is missing");
    assert_eq!(refused(|commands| commands.swap(2, 3)), bad_piece, "out of order");
    let garble = |commands: &mut Vec<Command>| {
        if let Command::Piece { bytes, .. } = &mut commands[4] {
            bytes[17] ^= 1;
        }
    };
    assert_eq!(refused(garble), Some(Answer::Refused(Refusal::BadHash)));
    let overrun = |commands: &mut Vec<Command>| {
        if let Command::Piece { offset, .. } = &mut commands[7] {
            *offset += 1;
        }
    };
    assert_eq!(refused(overrun), bad_piece, "past the announced length");
}

#[test]
fn a_length_the_device_cannot_take_is_refused_at_once() {
    let begin = |bytes| Assembling::begin(Upload::Program, bytes, [0; 32], [0_u32; 4].as_slice()).map(|_| ());
    assert_eq!(begin(16), Ok(()));
    for wrong in [0, 15, 17, 20, u32::MAX] {
        assert_eq!(begin(wrong), Err(Refusal::BadLength), "{wrong} bytes into 16");
    }
}
