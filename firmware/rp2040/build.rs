//! Hands the linker its scripts. Owns no behaviour of the image.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rustc-check-cfg=cfg(rp2350)");
    let target = env::var("TARGET").expect("cargo sets TARGET");
    // The chip follows from its instructions: Cortex-M33 is the RP2350.
    let (chip, script) =
        if target.starts_with("thumbv8m.main") { (Some("rp2350"), "rp2350.x") } else { (None, "memory.x") };
    if let Some(chip) = chip {
        println!("cargo:rustc-cfg={chip}");
    }
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        fs::copy(Path::new(&here).join(script), out.join("memory.x")).expect("OUT_DIR is writable");
        println!("cargo:rustc-link-search={}", out.display());
        for argument in ["--nmagic", "-Tlink.x"] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
    println!("cargo:rerun-if-changed={script}");
}
