//! Assembles the two programs the spike is timed with and hands the linker its scripts. Owns no behaviour of the image.

#[path = "src/programs.rs"]
mod programs;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let images = [("flagship", programs::flagship()), ("maximum", programs::maximum())];
    let mut lengths = String::new();
    for (name, assembly) in images {
        let words = assembly.image().unwrap_or_else(|error| panic!("{name}: {error}"));
        lengths += &format!("const {}_WORDS: usize = {};\n", name.to_uppercase(), words.len());
        let text: Vec<String> = words.iter().map(|word| format!("{word:#010x}")).collect();
        fs::write(out.join(format!("{name}.rs")), format!("[{}]", text.join(", "))).expect("OUT_DIR is writable");
    }
    fs::write(out.join("words.rs"), lengths).expect("OUT_DIR is writable");
    let rig = postcard::to_allocvec(&programs::rig()).expect("a rig has no length postcard does not know");
    fs::write(out.join("rig.rs"), format!("&{rig:?}")).expect("OUT_DIR is writable");
    println!("cargo:rerun-if-changed=src/programs.rs");

    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        fs::copy(Path::new(&here).join("memory.x"), out.join("memory.x")).expect("OUT_DIR is writable");
        println!("cargo:rerun-if-changed=memory.x");
        println!("cargo:rustc-link-search={}", out.display());
        for argument in ["--nmagic", "-Tlink.x"] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}
