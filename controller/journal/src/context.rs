//! What was settled of a session beside its program: the files its protocol uses, its stage, what is known of the subject.
//! Stored behind the header, and only where there is any; a journal without it reads as one with nothing of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What was settled of a session beside its program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// The fragments of the protocol: the name it calls each by, and its text, byte for byte.
    pub fragments: Vec<(String, String)>,
    /// The stage of the protocol, if it has stages.
    pub stage: Option<String>,
    /// What was assigned to the subject, once for all its sessions.
    pub assigned: Vec<Fact>,
    /// What was asked of the subject and the session: sex, weight, drug, dose.
    pub metadata: Vec<Fact>,
    /// Draws that are made once per subject and were made in a session before, in base units.
    pub drawn_before: Vec<(String, i64)>,
    /// Names that are hidden from the operator until the subject is unblinded.
    pub blind: Vec<String>,
}

/// Something that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// What it is measured in; empty for what is no number.
    pub unit: String,
    /// What it is; if it is sealed, not to be read by chance.
    stored: String,
    sealed: bool,
}

impl Fact {
    /// Something everybody may know.
    #[must_use]
    pub fn open(name: &str, unit: &str, value: &str) -> Self {
        Self { name: name.to_owned(), unit: unit.to_owned(), stored: value.to_owned(), sealed: false }
    }

    /// Something of a subject that the operator is not to see: [`seal`]ed.
    #[must_use]
    pub fn sealed(subject: &str, name: &str, unit: &str, value: &str) -> Self {
        let stored = seal(&[subject, name], value);
        Self { name: name.to_owned(), unit: unit.to_owned(), stored, sealed: true }
    }

    /// What it is; none where it is sealed and not of this subject.
    #[must_use]
    pub fn value(&self, subject: &str) -> Option<String> {
        match self.sealed {
            true => unseal(&[subject, &self.name], &self.stored),
            false => Some(self.stored.clone()),
        }
    }
}

/// A value that a glance at the file does not tell: its bytes mixed with a hash of what it is `of`, in hex. It keeps nobody
/// from reading it who wants to: there is no key. Equal values of different subjects do not look alike.
#[must_use]
pub fn seal(of: &[&str], value: &str) -> String {
    // Short values are all of one length.
    const LEAST: usize = 24;
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    bytes.resize(bytes.len().max(LEAST), b' ');
    let check = check(of, value);
    let mixed = bytes.iter().zip(stream(of)).map(|(byte, with)| byte ^ with);
    mixed.chain(check).map(|byte| format!("{byte:02x}")).collect()
}

/// The value of [`seal`]; none if it is not one of the same.
#[must_use]
pub fn unseal(of: &[&str], sealed: &str) -> Option<String> {
    let digits: Vec<u8> = sealed.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |all, digit| all << 4 | digit)).collect();
    let bytes: Vec<u8> = bytes.iter().zip(stream(of)).map(|(byte, with)| byte ^ with).collect();
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let value = String::from_utf8(bytes.get(..end)?.to_vec()).ok()?;
    (seal(of, &value) == sealed).then_some(value)
}

/// Bytes that do not show what they are mixed with.
fn stream(of: &[&str]) -> impl Iterator<Item = u8> {
    let of: Vec<Vec<u8>> = of.iter().map(|part| part.as_bytes().to_vec()).collect();
    (0_u32..).flat_map(move |n| {
        let n = n.to_le_bytes();
        let parts: Vec<&[u8]> = of.iter().map(Vec::as_slice).chain([n.as_slice()]).collect();
        hash(&parts)
    })
}

/// What tells a sealed value from any other text.
fn check(of: &[&str], value: &str) -> [u8; 4] {
    let parts: Vec<&[u8]> = of.iter().chain([&value]).map(|part| part.as_bytes()).collect();
    let [a, b, c, d, ..] = hash(&parts);
    [a, b, c, d]
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 over a protocol and its fragments, each with its name and length: what names a protocol in all its files. A
/// protocol without fragments is named by its text alone.
#[must_use]
pub fn protocol_hash(protocol: &str, fragments: &[(String, String)]) -> [u8; 32] {
    if fragments.is_empty() {
        return Sha256::digest(protocol.as_bytes()).into();
    }
    let mut parts: Vec<&[u8]> = vec![protocol.as_bytes()];
    for (name, text) in fragments {
        parts.extend([name.as_bytes(), text.as_bytes()]);
    }
    hash(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_not_there_to_be_read_and_comes_back() {
        for value in ["", "stim", "control", "a label that is a good deal longer than most of them are", "µ"] {
            let sealed = seal(&["R1", "group"], value);
            assert!(value.is_empty() || !sealed.contains(value));
            assert_eq!(unseal(&["R1", "group"], &sealed).as_deref(), Some(value));
            assert_eq!(unseal(&["R2", "group"], &sealed), None, "of another subject");
        }
        assert_eq!(seal(&["R1"], "stim").len(), seal(&["R1"], "control").len());
        for damaged in ["", "xyz", "00", "µ", &seal(&["R1"], "stim")[1..]] {
            assert_eq!(unseal(&["R1"], damaged), None);
        }
    }

    #[test]
    fn another_file_another_name_another_hash() {
        let of = |name: &str, text: &str| protocol_hash("protocol: a\n", &[(name.into(), text.into())]);
        let all = [protocol_hash("protocol: a\n", &[]), of("b", "c"), of("bc", ""), of("", "bc"), of("b", "d")];
        for (n, one) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| other != one));
        }
    }
}
