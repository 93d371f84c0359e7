//! Inputs that must be steady: their names, and what may be waited for of them.

use link::EventId;

use super::Lowering;
use crate::diagnostic::{listed, nearest};
use crate::kinds::Kind;
use crate::yaml::Text;

impl Lowering<'_> {
    /// They get the kind of the line they look at.
    pub(super) fn name_stable(&mut self) {
        for stable in &self.protocol.stable {
            if let Some((_, kind)) = self.names.line(&stable.line.text) {
                self.names.stable.push((stable.name.text.clone(), kind));
            }
        }
    }

    /// An event of such an input, or none if it has no such event, which is reported; nothing if it is no such input.
    pub(super) fn event_of_stable(&mut self, event: &Text, owner: &str, member: &str) -> Option<Option<EventId>> {
        let (_, kind): &(String, &Kind) = self.names.stable.iter().find(|(name, _)| name == owner)?;
        let input = kind.input()?;
        let found = self.names.event(&event.text);
        if found.is_none() {
            let members = [input.on, input.off];
            let whole = members.map(|member| format!("{owner}.{member}"));
            let message = format!("`{owner}` has no event `{member}`");
            self.reporter.error("E112-unknown-event", event.span, message).help(match nearest(member, members) {
                Some(near) => format!("did you mean `{owner}.{near}`?"),
                None => format!("its events are {}", listed(whole.iter().map(String::as_str))),
            });
        }
        Some(found)
    }
}
