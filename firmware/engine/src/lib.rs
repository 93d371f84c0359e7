#![no_std]
//! Engine.
