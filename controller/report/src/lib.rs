//! Summary, trial table and picture of a session.
