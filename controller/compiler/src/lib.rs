//! YAML protocol and rig-config to checked program.
