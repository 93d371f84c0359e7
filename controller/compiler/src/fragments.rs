//! Fragments: files that several protocols share. `use:` lists them; their entries stand behind those of the file that uses
//! them, as if they were written there. Owns which files are read and what becomes of a name that stands in two of them;
//! knows nothing of what the entries mean.

use std::path::{Component, Path, PathBuf};

use crate::Source;
use crate::diagnostic::{Reporter, Span};
use crate::fields;
use crate::yaml::{self, Entry, Node, Text, Value};

/// The most files one protocol may be made of.
const FILES_MAX: usize = 32;

/// Where the fragments of a protocol are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// From the folder the protocol stands in.
    Beside(PathBuf),
    /// From memory: name as the protocol calls it, and text. A journal holds them so.
    Of(Vec<(String, String)>),
}

impl Files {
    /// Beside a protocol that was read from a file.
    #[must_use]
    pub fn beside(protocol: &Source) -> Self {
        Self::Beside(Path::new(&protocol.name).parent().map_or_else(PathBuf::new, Path::to_path_buf))
    }

    /// A file by the name the protocol calls it; or why there is none, as a sentence.
    fn read(&self, name: &str) -> Result<Source, String> {
        match self {
            Self::Of(files) => match files.iter().find(|(known, _)| known == name) {
                Some((_, text)) => Ok(Source { name: name.to_owned(), text: text.clone() }),
                None => Err(format!("{name} was not kept")),
            },
            Self::Beside(folder) => Source::read(&folder.join(name))
                .map_err(|found| found.list.first().map_or_else(String::new, |first| first.message.clone())),
        }
    }
}

/// A protocol with everything it uses.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The whole, as if it were one file.
    pub(crate) root: Node,
    /// The fragments: name as the protocol calls it, and text.
    pub(crate) fragments: Vec<Source>,
}

/// What only a protocol says.
pub(crate) const OF_A_PROTOCOL: &[&str] =
    &["protocol", "session", "stages", "start", "picture", "assign", "metadata", "blind", "seed"];
/// What only says how files go together.
const OF_FILES: &[&str] = &["use", "override", "fragment"];
/// Lists in which the same word twice is the same thing.
const SETS: &[&str] = &["outcomes", "forbid"];

/// Reads the fragments a protocol uses and joins them to it.
pub(crate) fn gather(root: Node, files: &Files, reporter: &mut Reporter) -> Option<Gathered> {
    if let Value::Map(entries) = &root.value
        && let (Some(span), None) = (fields::key_of(entries, "fragment"), fields::key_of(entries, "protocol"))
    {
        reporter
            .error("E303-fragment", span, "this is a fragment, and a protocol is wanted here")
            .help("name the protocol that uses it");
        return None;
    }
    let mut gathering = Gathering { files, reporter, found: Vec::new(), open: Vec::new(), lacking: false };
    let root = gathering.whole(root, "");
    // What a file that cannot be read would have defined is missing everywhere: those would be echoes.
    if gathering.lacking {
        return None;
    }
    let fragments = gathering.found.into_iter().map(|(source, _)| source).collect();
    Some(Gathered { root, fragments })
}

struct Gathering<'f, 'r> {
    files: &'f Files,
    reporter: &'r mut Reporter,
    /// Each file that was read, and what is in it; none where it could not be read as a fragment.
    found: Vec<(Source, Option<Node>)>,
    /// The files being read, each used by the one before.
    open: Vec<String>,
    /// Whether one could not be read.
    lacking: bool,
}

impl Gathering<'_, '_> {
    /// A file with everything it uses; `name` is its own, empty for the protocol.
    fn whole(&mut self, mut root: Node, name: &str) -> Node {
        let Value::Map(entries) = &mut root.value else { return root };
        let take = |entries: &mut Vec<Entry>, key: &str| {
            let at = entries.iter().position(|entry| entry.key.text == key)?;
            Some(entries.remove(at))
        };
        let (used, overrides) = (take(entries, "use"), take(entries, "override"));
        let overrides = overrides.map(|entry| self.overrides(&entry, entries)).unwrap_or_default();
        let Some(used) = used else {
            self.check_overridden(&overrides, &[]);
            return root;
        };
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        let items = match &used.value.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(&used.value),
        };
        let mut overridden = Vec::new();
        for item in items {
            let Some(path) = fields::text(item, "a fragment", "fragments/iti.yaml", self.reporter) else { continue };
            let Some(fragment) = self.fragment(path, folder) else {
                self.lacking = true;
                continue;
            };
            join(entries, fragment, &overrides, &mut overridden, self.reporter);
        }
        self.check_overridden(&overrides, &overridden);
        root
    }

    /// The names a file defines in the place of a fragment's, as `section.name`.
    fn overrides(&mut self, entry: &Entry, entries: &[Entry]) -> Vec<Text> {
        let example = "[parameters.drop]";
        let items = fields::list(&entry.value, "`override`", example, self.reporter).unwrap_or_default();
        let mut found = Vec::new();
        for item in items {
            let Some(name) = fields::text(item, "what is overridden", "parameters.drop", self.reporter) else {
                continue;
            };
            if own(entries, &name.text).is_none() {
                self.reporter
                    .error("E306-override", name.span, format!("this file defines no `{}`", name.text))
                    .help("name a section and what it defines here, for instance `parameters.drop`");
                continue;
            }
            found.push(name.clone());
        }
        found
    }

    fn check_overridden(&mut self, overrides: &[Text], overridden: &[String]) {
        for name in overrides.iter().filter(|name| !overridden.contains(&name.text)) {
            self.reporter
                .error(
                    "E306-override",
                    name.span,
                    format!("no fragment defines `{}`: there is nothing to override", name.text),
                )
                .help("leave it out of `override`, or look for a slip in the name");
        }
    }

    /// The contents of a fragment.
    fn fragment(&mut self, path: &Text, folder: &Path) -> Option<Node> {
        let name = normal(&folder.join(&path.text));
        if let Some(from) = self.open.iter().position(|open| *open == name) {
            let circle: Vec<&str> = self.open.iter().skip(from).chain([&name]).map(String::as_str).collect();
            self.reporter
                .error(
                    "E304-fragment-circle",
                    path.span,
                    format!("`{}` uses itself: {}", path.text, circle.join(", then ")),
                )
                .help("take it out of one of them; what both need goes into a third");
            return None;
        }
        if let Some((_, known)) = self.found.iter().find(|(source, _)| source.name == name) {
            return known.clone();
        }
        if self.found.len() >= FILES_MAX {
            self.reporter
                .error("E092-too-many", path.span, format!("a protocol is made of {FILES_MAX} fragments at most"))
                .help("put some of them together");
            return None;
        }
        let read = match self.files.read(&name) {
            Ok(source) => source,
            Err(why) => {
                let help = "a fragment is named by its path, from the folder of the file that uses it";
                self.reporter.error("E303-fragment", path.span, why).help(help);
                return None;
            }
        };
        let shown = read.name.clone();
        let source = Source { name: name.clone(), text: read.text };
        let base = self.reporter.add_source(&Source { name: shown, text: source.text.clone() });
        let mut reporter = Reporter::new(&Source { name: read.name, text: source.text.clone() });
        let root = yaml::read(&source, &mut reporter).filter(|_| !reporter.has_errors());
        self.reporter.adopt(reporter);
        let place = self.found.len();
        self.found.push((source, None));
        let root = is_fragment(root?.moved(base), path, self.reporter)?;
        self.open.push(name.clone());
        let whole = self.whole(root, &name);
        self.open.pop();
        if let Some((_, known)) = self.found.get_mut(place) {
            *known = Some(whole.clone());
        }
        Some(whole)
    }
}

/// A file that calls itself a fragment and says nothing that only a protocol does.
fn is_fragment(root: Node, path: &Text, reporter: &mut Reporter) -> Option<Node> {
    let example = "fragment: iti";
    let entries = fields::map(&root, "a fragment", example, reporter)?;
    if fields::key_of(entries, "protocol").is_some() {
        reporter
            .error("E303-fragment", path.span, format!("`{}` is a protocol of its own, and no fragment", path.text))
            .help("put what both share into a file that begins with `fragment: its-name`");
        return None;
    }
    if fields::key_of(entries, "fragment").is_none() {
        reporter
            .error("E303-fragment", path.span, format!("`{}` does not call itself a fragment", path.text))
            .help(format!("begin it with `{example}`"));
        return None;
    }
    for entry in entries.iter().filter(|entry| OF_A_PROTOCOL.contains(&entry.key.text.as_str())) {
        reporter
            .error(
                "E305-not-shared",
                entry.key.span,
                format!("`{}` is said by the protocol, and not by a fragment", entry.key.text),
            )
            .help("move it to the protocol");
    }
    Some(root)
}

/// Puts the entries of a fragment behind those of the file that uses it.
fn join(
    entries: &mut Vec<Entry>,
    fragment: Node,
    overrides: &[Text],
    overridden: &mut Vec<String>,
    reporter: &mut Reporter,
) {
    let Value::Map(theirs) = fragment.value else { return };
    for entry in theirs {
        let section = entry.key.text.clone();
        if OF_FILES.contains(&section.as_str()) || OF_A_PROTOCOL.contains(&section.as_str()) || section == "about" {
            continue;
        }
        let Some(mine) = entries.iter_mut().find(|mine| mine.key.text == section) else {
            entries.push(entry);
            continue;
        };
        match (&mut mine.value.value, entry.value.value) {
            (Value::Map(mine), Value::Map(theirs)) if section == "everywhere" => everywhere(mine, theirs),
            (Value::Map(mine), Value::Map(theirs)) => {
                for their in theirs {
                    define(mine, their, &section, overrides, overridden, reporter);
                }
            }
            (Value::List(mine), Value::List(theirs)) => {
                let set = SETS.contains(&section.as_str());
                let known = |mine: &[Node], their: &Node| {
                    mine.iter().any(|one| {
                        one.span == their.span || set && scalar(one).is_some() && scalar(one) == scalar(their)
                    })
                };
                for their in theirs {
                    if !known(mine, &their) {
                        mine.push(their);
                    }
                }
            }
            // What has the wrong shape is told where the section is read.
            (_, Value::Broken) => {}
            (mine, theirs) => {
                if !matches!(mine, Value::Broken) {
                    *mine = theirs;
                }
            }
        }
    }
}

/// Handlers and transitions that hold everywhere: those of all files, the protocol's first.
fn everywhere(mine: &mut Vec<Entry>, theirs: Vec<Entry>) {
    for their in theirs {
        match mine.iter_mut().find(|one| one.key.text == their.key.text) {
            Some(one) => {
                if let (Value::List(mine), Value::List(theirs)) = (&mut one.value.value, their.value.value) {
                    mine.extend(theirs);
                }
            }
            None => mine.push(their),
        }
    }
}

/// One entry of a section. A name that stands in two files is an error, unless both say the same word or one says that it
/// overrides the other.
fn define(
    mine: &mut Vec<Entry>,
    their: Entry,
    section: &str,
    overrides: &[Text],
    overridden: &mut Vec<String>,
    reporter: &mut Reporter,
) {
    let whole = format!("{section}.{}", their.key.text);
    let Some(own) = mine.iter().find(|own| own.key.text == their.key.text) else {
        mine.push(their);
        return;
    };
    if overrides.iter().any(|name| name.text == whole) {
        overridden.push(whole);
        return;
    }
    // The same definition by two ways, or the same word in both.
    if own.key.span == their.key.span || scalar(&own.value).is_some() && scalar(&own.value) == scalar(&their.value) {
        return;
    }
    let elsewhere = reporter.place(their.key.span);
    reporter
        .error("E307-defined-twice", own.key.span, format!("`{whole}` is defined here and in {elsewhere}"))
        .help(format!("leave one of them out; or write `override: [{whole}]` beside `use`, and this one holds"));
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar(text) => Some(&text.text),
        _ => None,
    }
}

/// Where a file defines `section.name`.
fn own(entries: &[Entry], whole: &str) -> Option<Span> {
    let (section, name) = whole.split_once('.')?;
    let section = entries.iter().find(|entry| entry.key.text == section)?;
    match &section.value.value {
        Value::Map(inner) => fields::key_of(inner, name),
        _ => None,
    }
}

/// A path without `.` and without a folder that is entered and left again; always with `/`.
fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/").replacen("//", "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for (path, spelt) in [
            ("a/./b.yaml", "a/b.yaml"),
            ("a/../b.yaml", "b.yaml"),
            ("../b.yaml", "../b.yaml"),
            ("/x/y.yaml", "/x/y.yaml"),
        ] {
            assert_eq!(normal(Path::new(path)), spelt);
        }
    }
}
