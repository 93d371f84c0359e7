//! What a program can do to itself at a moment of its own: the rows of a protocol for it. Knows no rig.

/// What the program does when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doom {
    /// Nothing: what happens comes from elsewhere.
    None,
    /// It divides by zero.
    DividesByZero,
    /// Its transitions lead to one another within one microsecond without end.
    ChainsWithoutEnd,
    /// It comes to an end of its own.
    Ends,
    /// It never lets go of what it has switched on.
    NeverLetsGo,
}

impl Doom {
    /// Rows for the protocol's `variables`.
    pub(super) const fn variables(self) -> &'static str {
        match self {
            Self::None | Self::NeverLetsGo => "",
            Self::DividesByZero => "  nothing: 0\n  share: 50 %\n",
            Self::ChainsWithoutEnd => "  nothing: 0\n",
            Self::Ends => "  over: 0\n",
        }
    }

    /// Another end of the session.
    pub(super) const fn end(self) -> &'static str {
        match self {
            Self::Ends => ", {if: over == 1}",
            _ => "",
        }
    }

    /// A region in which it comes `after_us` after the session's start.
    pub(super) fn region(self, after_us: u64) -> String {
        let transitions = match self {
            Self::None | Self::NeverLetsGo => return String::new(),
            Self::DividesByZero => format!("{{after: {after_us} us, do: [{{set: {{share: 1 / nothing}}}}], to: done}}"),
            Self::ChainsWithoutEnd => format!("{{after: {after_us} us, to: round}}"),
            Self::Ends => format!("{{after: {after_us} us, do: [{{set: {{over: 1}}}}, {{trial: begin}}], to: done}}"),
        };
        let round = match self {
            Self::ChainsWithoutEnd => {
                "      round: {transitions: [{when: nothing == 0, to: again}]}\n      \
                 again: {transitions: [{when: nothing == 0, to: round}]}\n"
            }
            _ => "      done: {final: true}\n",
        };
        format!("  doom:\n    start: waits\n    states:\n      waits: {{transitions: [{transitions}]}}\n{round}")
    }
}
