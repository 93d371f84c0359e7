//! Why a mutation need not be noticed: the list of reasons, read.
//!
//! A reason stands behind `# `, the names of those it is for on the lines below; an empty line ends it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Reasons by protocol and by the name of a mutation.
#[derive(Debug, Default)]
pub(crate) struct Reasons(BTreeMap<String, BTreeMap<String, String>>);

impl Reasons {
    /// Reads a list.
    ///
    /// # Errors
    /// If it does not read, a name has no reason, or stands there twice.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::of_text(&path.display().to_string(), &text)
    }

    fn of_text(file: &str, text: &str) -> Result<Self, String> {
        let (mut found, mut reason) = (Self::default(), String::new());
        let mut in_reason = false;
        for (n, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", n + 1);
            let begins_with_hash = line.starts_with('#');
            if begins_with_hash && !in_reason || line.trim().is_empty() {
                reason.clear();
            }
            in_reason = begins_with_hash;
            if let Some(words) = line.strip_prefix("# ") {
                reason = format!("{reason} {words}").trim().to_owned();
            } else if !begins_with_hash && !line.trim().is_empty() {
                let (protocol, name) =
                    line.trim().split_once(": ").ok_or_else(|| format!("{place}: no name of a mutation"))?;
                if reason.is_empty() {
                    return Err(format!("{place}: no reason stands above it"));
                }
                let of = found.0.entry(protocol.to_owned()).or_default();
                if of.insert(name.to_owned(), reason.clone()).is_some() {
                    return Err(format!("{place}: it stands there twice"));
                }
            }
        }
        Ok(found)
    }

    /// Those of a protocol: name and reason.
    pub(crate) fn of(&self, protocol: &str) -> BTreeMap<&str, &str> {
        let of = self.0.get(protocol).into_iter().flatten();
        of.map(|(name, reason)| (name.as_str(), reason.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_for_all_names_below_it_and_no_name_stands_without_one() {
        let text = "# About the list.\n\n# One cannot\n# see it.\na: x: `1` → `2`\nb: y: `s` → `ms`\n# Nor this.\na: z: `3` → `6`\n";
        let reasons = Reasons::of_text("list", text).expect("it reads");
        assert_eq!(reasons.of("a"), [("x: `1` → `2`", "One cannot see it."), ("z: `3` → `6`", "Nor this.")].into());
        assert_eq!(reasons.of("b").len(), 1);
        assert!(reasons.of("c").is_empty());
        assert!(Reasons::of_text("list", "# So.\n\na: x: `1` → `2`\n").is_err_and(|told| told.starts_with("list:3")));
        assert!(Reasons::of_text("list", "# So.\na: x\na: x\n").is_err_and(|told| told.starts_with("list:3")));
    }
}
