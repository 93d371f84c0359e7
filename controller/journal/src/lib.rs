//! The append-only record of a session, and its replay.
