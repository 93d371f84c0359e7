//! YAML protocol and rig-config to checked program. Usable without the daemon.

pub mod symbols;
