//! Who calls whom: what a level may reach, and the most stack it may take. Knows functions by address, and nothing of why
//! they are asked about.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::{Function, Image};

/// What the processor pushes when an interrupt comes, and four bytes to keep the stack even.
pub(crate) const EXCEPTION_STACK: u32 = 32 + 4;

/// What one level may do.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Every function it may call, itself included.
    pub(crate) functions: BTreeSet<u32>,
    /// The most stack it takes, in bytes, without what the processor pushes.
    pub(crate) stack: u32,
    /// The way to that depth, function by function.
    pub(crate) deepest: Vec<u32>,
    /// Functions that may call themselves, each with the way that leads back to it: for them no bound is known.
    pub(crate) recursive: BTreeMap<u32, Vec<u32>>,
}

/// What can be reached from `roots`.
#[must_use]
pub(crate) fn reach(image: &Image, roots: &[u32]) -> Reach {
    let mut walk = Walk { image, depths: BTreeMap::new(), under_way: Vec::new(), recursive: BTreeMap::new() };
    let mut reach = Reach::default();
    for root in roots {
        let depth = walk.depth(*root);
        if depth >= reach.stack {
            reach.stack = depth;
            reach.deepest = walk.path(*root);
        }
    }
    reach.functions = walk.depths.keys().copied().collect();
    reach.recursive = walk.recursive;
    reach
}

struct Walk<'a> {
    image: &'a Image,
    /// The depth below each function, and which of its callees is the deepest.
    depths: BTreeMap<u32, (u32, Option<u32>)>,
    under_way: Vec<u32>,
    recursive: BTreeMap<u32, Vec<u32>>,
}

impl Walk<'_> {
    fn depth(&mut self, at: u32) -> u32 {
        if let Some((depth, _)) = self.depths.get(&at) {
            return *depth;
        }
        if let Some(first) = self.under_way.iter().position(|one| *one == at) {
            self.recursive.insert(at, self.under_way[first..].to_vec());
            return 0;
        }
        let Some(function) = self.image.functions.get(&at) else { return 0 };
        self.under_way.push(at);
        let mut deepest = (0, None);
        for callee in callees(self.image, function) {
            let depth = self.depth(callee);
            if depth >= deepest.0 && callee != at {
                deepest = (depth, Some(callee));
            }
        }
        self.under_way.pop();
        let depth = function.seen.stack + deepest.0;
        self.depths.insert(at, (depth, deepest.1));
        depth
    }

    fn path(&self, root: u32) -> Vec<u32> {
        let mut path = vec![root];
        while let Some(next) = path.last().and_then(|at| self.depths.get(at)).and_then(|(_, next)| *next) {
            if path.contains(&next) {
                break;
            }
            path.push(next);
        }
        path
    }
}

/// Functions this one may call: by name, by an address it loads, or through a table if it calls through a register.
fn callees(image: &Image, function: &Function) -> BTreeSet<u32> {
    let seen = &function.seen;
    let named = seen.calls.iter().copied();
    let loaded = seen.constants.iter().filter(|constant| **constant & 1 == 1).map(|constant| constant & !1);
    let mut callees: BTreeSet<u32> = named.chain(loaded).filter(|to| image.functions.contains_key(to)).collect();
    // What it calls through a register it has loaded itself, or found in a table.
    if seen.indirect && callees.is_empty() {
        callees.extend(&image.pointed_at);
    }
    callees
}
