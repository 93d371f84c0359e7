//! The simulated body: virtual time, pins and animals.
