//! The real controller dies, in all the ways a process can: `nosepoke run` on a serial port, the simulated rig at its far end by
//! a clock of its own. What is armed is safe within the silence that the rig allows, whatever it was doing; nothing here
//! depends on how fast the machine is. The scenes are those of the matrix, made from the rig-config that ships for the Pico.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use compiler::Source;
use harness::deadly::judge::is_on;
use harness::deadly::table::{SeenAtTable, SimTable};
use harness::deadly::verdict::shown;
use harness::deadly::{Doom, Held, Scene, safe_after_us, spells};
use harness::{nosepoke, said, top};
use link::Micros;

/// A computer busy with other tests may be silent for longer than a rig would want.
const SILENCE: &str = "silence: 1 s";
const SILENCE_US: Micros = 1_000_000;
/// From the silence limit to the pins, in µs; and how long the rig's clock goes on between two looks at its cable.
const MS: Micros = 1_000;
const LOOK_US: Micros = 20_000;

/// A scene on a table, and the controller that runs it.
struct Death {
    folder: PathBuf,
    scene: Scene,
    table: SimTable,
    child: Child,
}

impl Death {
    /// Starts the scene; `wrap` says how the command line is started.
    fn new(name: &str, held: Held, ignoring: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("death-{name}-{}", held.name()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let shipped = fs::read_to_string(top().join("rig-configs/pico-box.yaml")).expect("the rig reads");
        let text = shipped.replace("silence: 250 ms", SILENCE);
        assert!(text.contains(SILENCE));
        let rig = Source { name: "pico-box.yaml".to_owned(), text };
        let scene = Scene::all(&rig, held, Doom::None).expect("a scene");
        let (protocol, box_) = (folder.join("deadly.yaml"), folder.join("box.yaml"));
        fs::write(&protocol, &scene.protocol.text).expect("it is written");
        fs::write(&box_, &scene.rig.text).expect("it is written");
        let port = folder.join("port");
        let table = SimTable::new(&scene.compiled().rig, &port);
        let built = nosepoke();
        let mut command = Command::new("sh");
        command.current_dir(top()).args(["-c", &format!("{ignoring} exec \"$0\" \"$@\"")]).arg(built.get_program());
        command.env("NO_COLOR", "1").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.arg("run").arg(&protocol).arg("--rig").arg(&box_).arg("--port").arg(&port).arg("--out").arg(&folder);
        for line in scene.armed() {
            command.args(["--arm", line]);
        }
        command.args(["--operator", "KS", "--subject", "R12", "--seed", "3"]);
        let child = command.spawn().expect("it starts");
        Self { folder, scene, table, child }
    }

    /// Sends the controller a signal when its time has come.
    fn signal(&self, name: &str) {
        let (name, id) = (format!("-{name}"), self.child.id().to_string());
        self.table.when_it_is_time(move || {
            let sent = Command::new("kill").args([&name, &id]).status();
            assert!(sent.is_ok_and(|status| status.success()), "kill {name} {id}");
        });
        self.table.wait_until_dead();
    }

    /// Takes the rig away, and holds what was armed against what was promised: the longest time.
    fn judge_what_is_armed(self, name: &str) {
        let Self { scene, table, mut child, .. } = self;
        // What it wrote before it died is still on its way for a moment of the rig's time.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let seen = table.take_away();
        // One that was only stopped ends here, by its own number.
        let _ = child.kill();
        let _ = child.wait();
        let compiled = scene.compiled();
        for cast in scene.cast.iter().filter(|cast| cast.output.must_arm) {
            let seen_on = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
            let (after, told) = (safe_after_us(&seen_on, seen.died_at), &cast.output.name);
            println!("{name}, {}: `{told}` safe after {}", cast.held.name(), shown(after));
            assert!(is_on(&seen_on, seen.died_at - 1) == cast.is_on || was_silent(&seen), "{told}: {seen_on:?}");
            let late = safe_after_us(&seen_on, seen.heard_at + SILENCE_US + MS);
            assert_eq!(late, 0, "{name}: `{told}` was on {late} µs too long: {seen_on:?}, {}", seen.heard_at);
        }
        assert!(seen.over, "{name}: the session ends by itself");
        for cast in &scene.cast {
            let seen_on = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
            assert_ne!(safe_after_us(&seen_on, seen.died_at), Micros::MAX, "`{}` was never safe", cast.output.name);
        }
    }
}

/// Whether the controller had been silent for too long before anything died: a machine may be that busy.
fn was_silent(seen: &SeenAtTable) -> bool {
    seen.heard_at + SILENCE_US < seen.died_at + LOOK_US
}

#[test]
fn a_controller_that_is_killed_leaves_nothing_on() {
    // So ends whom the kernel kills for want of memory, too.
    for held in [Held::Armed, Held::Pulse, Held::Train, Held::On] {
        let death = Death::new("killed", held, "");
        death.signal("KILL");
        death.judge_what_is_armed("killed");
    }
}

#[test]
fn a_controller_that_gets_no_memory_and_aborts_leaves_nothing_on() {
    let death = Death::new("aborts", Held::Train, "");
    death.signal("ABRT");
    death.judge_what_is_armed("aborts");
}

#[test]
fn a_controller_that_hangs_leaves_nothing_on() {
    let death = Death::new("hangs", Held::Pulse, "");
    death.signal("STOP");
    death.judge_what_is_armed("hangs");
}

#[test]
fn a_disk_that_takes_no_more_ends_the_session_with_everything_off() {
    // Where a file may grow no further a write fails, as on a disk that is full.
    let death = Death::new("disk-full", Held::Pulse, "trap '' XFSZ;");
    let (folder, id) = (death.folder.clone(), death.child.id().to_string());
    death.table.when_it_is_time(move || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
        let journal =
            files.into_iter().find(|path| path.extension().is_some_and(|end| end == "npj")).expect("a journal");
        let length = fs::metadata(journal).expect("it has a length").len();
        let limited = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={length}")]).status();
        assert!(limited.is_ok_and(|status| status.success()), "prlimit");
    });
    death.table.wait_until_dead();
    let Death { scene, table, child, .. } = death;
    let output = child.wait_with_output().expect("it ends");
    assert!(!output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("every output safe"), "{}", said(&output));
    let seen = table.take_away();
    assert!(seen.over);
    let compiled = scene.compiled();
    for cast in &scene.cast {
        let seen_on = spells(&seen.edges, Scene::line(&compiled, &cast.output.name));
        let after = safe_after_us(&seen_on, seen.died_at);
        println!("disk full, {}: `{}` safe after {}", cast.held.name(), cast.output.name, shown(after));
        // Long before its own end.
        assert!(after < scene.carry_on_us, "`{}`: {seen_on:?}", cast.output.name);
    }
}
