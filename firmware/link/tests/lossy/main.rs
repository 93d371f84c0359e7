//! Both ends over a wire that drops, garbles, doubles and delays: whatever it does, every command is applied once and in
//! order, every record arrives once and in order, and the device is never left alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
#[path = "../common/mod.rs"]
mod common;
mod wire;

use bench::{Bench, SECOND};
use common::hello;
use link::frame::MAX_FRAME;
use link::message::{HostFrame, LINK_CURRENT, compatible};
use link::reliable::WINDOW_RECORDS;
use link::{
    Answer, Command, DeviceEnd, EventId, Hello, HostEnd, HostEvent, RecordSource, Refusal, SendError, VariableId,
};
use wire::{Chance, Ring};

fn keys(count: u16) -> Vec<Command> {
    (0..count).map(|n| Command::Event(EventId::named(n))).collect()
}

#[test]
fn every_command_is_applied_once_and_in_order() {
    for (percent_each, seed) in [(0, 1), (10, 2), (10, 3), (40, 4), (40, 5)] {
        let mut bench = Bench::in_session(percent_each, seed);
        bench.wishes = keys(200).into_iter().rev().collect();
        bench.run_until(|bench| bench.answers.len() == 200);
        bench.run_for(SECOND);
        assert_eq!(bench.applied, keys(200));
        assert_eq!(bench.answers, [Answer::Done; 200]);
    }
}

#[test]
fn every_record_arrives_once_and_in_order() {
    for (percent_each, seed) in [(0, 1), (10, 2), (10, 3), (40, 4), (40, 5)] {
        let mut bench = Bench::in_session(percent_each, seed);
        for n in 0..3_000_u64 {
            bench.write_record();
            if n % 7 == 0 {
                bench.run_for(n % 5_000);
                bench.durable = bench.records.len() as u32;
            }
        }
        bench.run_until(|bench| bench.records.len() == 3_000);
        bench.run_for(SECOND);
        assert_eq!(bench.records, (0..3_000).collect::<Vec<_>>());
    }
}

#[test]
fn only_what_is_on_disk_leaves_the_devices_memory() {
    let mut bench = Bench::in_session(10, 6);
    (0..500).for_each(|_| bench.write_record());
    bench.run_until(|bench| bench.device.received() == 500);
    assert_eq!((bench.device.durable(), bench.ring.first_kept()), (0, 0), "received is not durable");
    bench.durable = 300;
    bench.run_until(|bench| bench.device.durable() == 300);
    assert_eq!(bench.ring.first_kept(), 300);
    bench.run_for(SECOND);
    assert_eq!(bench.ring.first_kept(), 300);
}

#[test]
fn a_device_reset_offers_the_memory_that_outlived_it_and_nothing_is_doubled() {
    for percent_each in [0, 10, 40] {
        let mut bench = Bench::in_session(percent_each, 7);
        (0..400).for_each(|_| bench.write_record());
        bench.durable = 40;
        bench.run_until(|bench| bench.records.len() > 60 && bench.device.durable() == 40);

        bench.device = DeviceEnd::new(78, hello());
        bench.device.begin_session(5);
        bench.run_until(|bench| bench.records.len() == 400);
        bench.run_for(SECOND);
        assert_eq!(bench.records, (0..400).collect::<Vec<_>>());
        assert_eq!(bench.resets, [(77, 78, None)], "one reset, and what still arrives of the boot before is stale");
        assert_eq!((bench.ring.first_kept(), bench.unknown.as_slice()), (40, [].as_slice()));

        // Commands go on with the new boot.
        bench.wishes = keys(3).into_iter().rev().collect();
        bench.run_until(|bench| bench.answers.len() == 3);
        assert_eq!(bench.applied, keys(3));
    }
}

#[test]
fn a_controller_that_crashed_resumes_after_its_last_durable_record() {
    for percent_each in [0, 10, 40] {
        let mut bench = Bench::in_session(percent_each, 8);
        (0..400).for_each(|_| bench.write_record());
        bench.durable = 25;
        bench.run_until(|bench| bench.records.len() == 400 && bench.device.durable() == 25);

        // Of 400 received records 30 are on disk; the device was told of 25.
        bench.host = HostEnd::new();
        bench.host.resume(5, 30);
        bench.records.truncate(30);
        bench.durable = 30;
        bench.run_until(|bench| bench.records.len() == 400);
        bench.wishes = keys(5).into_iter().rev().collect();
        bench.run_until(|bench| bench.answers.len() == 5);
        assert_eq!(bench.records, (0..400).collect::<Vec<_>>());
        assert_eq!(bench.applied, keys(5));
        assert_eq!(bench.resets, []);
    }
}

#[test]
fn a_device_whose_memory_was_lost_says_so_and_the_controller_knows_from_where_on() {
    for percent_each in [0, 10, 40] {
        let mut bench = Bench::in_session(percent_each, 23);
        (0..90).for_each(|_| bench.write_record());
        bench.run_until(|bench| bench.records.len() == 90);
        bench.device = DeviceEnd::new(78, hello());
        bench.ring = Ring::default();
        bench.run_until(|bench| !bench.gone.is_empty());
        bench.run_for(SECOND);
        assert_eq!((bench.gone.as_slice(), bench.resets.len(), bench.host.session()), ([(5, 90)].as_slice(), 1, 0));
        // The same answer awaits a controller that comes back from its journal.
        bench.gone.clear();
        bench.host = HostEnd::new();
        bench.host.resume(5, 90);
        bench.run_until(|bench| !bench.gone.is_empty());
        assert_eq!(bench.gone, [(5, 90)]);
    }
}

#[test]
fn a_reset_while_the_controller_is_away_gives_it_every_record_once() {
    for percent_each in [0, 10, 40] {
        let mut bench = Bench::in_session(percent_each, 24);
        (0..300).for_each(|_| bench.write_record());
        bench.durable = 120;
        bench.run_until(|bench| bench.records.len() > 150 && bench.device.durable() == 120);
        // Both start anew: the one from its ring, the other from its journal.
        bench.device = DeviceEnd::new(78, hello());
        bench.device.begin_session(5);
        bench.host = HostEnd::new();
        bench.host.resume(5, 130);
        bench.records.truncate(130);
        bench.durable = 130;
        bench.run_until(|bench| bench.records.len() == 300);
        bench.run_for(SECOND);
        assert_eq!(bench.records, (0..300).collect::<Vec<_>>());
        assert_eq!((bench.gone.as_slice(), bench.unknown.as_slice()), ([].as_slice(), [].as_slice()));
    }
}

#[test]
fn a_device_of_another_link_is_told_nothing_and_says_which_side_to_update() {
    let ours = hello();
    let older = Hello { link_min: 0, link_current: 0, ..hello() };
    let newer = Hello { link_min: LINK_CURRENT + 1, link_current: LINK_CURRENT + 3, ..hello() };
    let other = Hello { schema: !ours.schema, firmware: "0.0.9".try_into().unwrap(), ..hello() };
    let told = [(older, "update the device"), (newer, "update the controller"), (other, "update the device")];
    for (forged, advice) in told {
        let why = compatible(&forged).unwrap_err().to_string();
        assert!(why.contains(advice), "{why}");
        let mut bench = Bench::new(10, 25);
        bench.device = DeviceEnd::new(77, forged);
        bench.run_for(SECOND);
        assert_eq!(bench.host.send(Command::Stop), Err(SendError::Mismatch));
        bench.wishes = vec![Command::Start { session: 5, seed: 1 }];
        bench.run_for(SECOND);
        assert_eq!((bench.applied.as_slice(), bench.wishes.len()), ([].as_slice(), 1), "nothing was sent");

        // The board is flashed with what fits, and all goes its way.
        bench.device = DeviceEnd::new(78, hello());
        bench.run_until(|bench| bench.host.session() == 5);
    }
}

#[test]
fn a_board_flashed_in_mid_session_is_not_taken_at_its_word() {
    let mut bench = Bench::in_session(0, 26);
    (0..100).for_each(|_| bench.write_record());
    bench.run_until(|bench| bench.records.len() == 100);
    bench.device = DeviceEnd::new(78, Hello { schema: 1, ..hello() });
    bench.device.begin_session(5);
    (0..100).for_each(|_| bench.write_record());
    bench.run_for(SECOND);
    assert_eq!(bench.records.len(), 100, "its records may not mean what ours do");
}

#[test]
fn a_command_of_a_controllers_former_life_never_passes_for_one_of_its_own() {
    let mut bench = Bench::in_session(0, 9);
    // The former life's last frame has left, and arrives just before the first command of the new life.
    let stale = bench.frame_with(Command::Event(EventId::named(666)));
    bench.host = HostEnd::new();
    bench.host.resume(5, 0);
    bench.run_for(SECOND);
    bench.host.send(Command::Event(EventId::named(1))).unwrap();
    bench.device_hears(&stale);
    bench.run_until(|bench| bench.answers.len() == 1);
    assert_eq!(bench.applied, [666, 1].map(|n| Command::Event(EventId::named(n))));
    // Doubled, it comes again much later, and is known to be old.
    bench.device_hears(&stale);
    bench.run_for(SECOND);
    assert_eq!(bench.applied.len(), 2);
}

#[test]
fn a_command_for_the_boot_before_the_reset_is_never_applied_after_it() {
    let mut bench = Bench::in_session(0, 19);
    let stale = bench.frame_with(Command::Arm { lines: 1 });
    let Err(SendError::Busy { seq }) = bench.host.send(Command::Stop) else { panic!("the command is under way") };
    bench.device = DeviceEnd::new(78, hello());
    bench.device_hears(&stale);
    bench.run_for(SECOND);
    assert_eq!(bench.applied, []);
    assert_eq!(bench.resets, [(77, 78, Some(seq))], "whether it was applied before the reset nobody knows");
    // The controller is free to ask for something else.
    bench.wishes = keys(1);
    bench.run_until(|bench| bench.answers.len() == 1);
    assert_eq!(bench.applied, keys(1));
}

#[test]
fn a_frame_of_the_boot_before_the_reset_is_no_second_reset() {
    let mut bench = Bench::in_session(0, 20);
    (0..100).for_each(|_| bench.write_record());
    let mut stale = [0; MAX_FRAME];
    let used = bench.device_frame(&mut stale);
    bench.device = DeviceEnd::new(78, hello());
    bench.run_for(SECOND);
    bench.to_host.carry(bench.now, &stale[..used]);
    bench.run_for(SECOND);
    assert_eq!(bench.resets.len(), 1);
}

#[test]
fn an_answer_tells_when_it_was_asked_for_only_if_that_is_sure() {
    let mut bench = Bench::in_session(0, 21);
    let asked_at = |host: &mut HostEnd, frame: &[u8]| {
        host.handle_bytes(1, frame);
        match host.poll_event() {
            Some(HostEvent::Status { asked_at, .. }) => asked_at,
            other => panic!("a status was to come, not {other:?}"),
        }
    };
    bench.run_for(SECOND);
    let sent_at = bench.host.poll_at().unwrap();
    let (mut question, mut answer) = ([0; MAX_FRAME], [0; MAX_FRAME]);
    let used = bench.host.poll_transmit(sent_at, &mut question).unwrap();
    bench.now = sent_at;
    bench.device_hears(&question[..used]);
    let used = bench.device_frame(&mut answer);
    assert_eq!(asked_at(&mut bench.host, &answer[..used]), Some(sent_at));
    // Asked again meanwhile: the answer may be to either.
    let again_at = bench.host.poll_at().unwrap();
    bench.host.poll_transmit(again_at, &mut question).unwrap();
    assert_eq!(asked_at(&mut bench.host, &answer[..used]), None);
}

#[test]
fn no_more_records_are_under_way_than_the_window_holds() {
    let mut bench = Bench::in_session(0, 22);
    (0..5_000).for_each(|_| bench.write_record());
    let mut sent = 0;
    let mut frame = [0; MAX_FRAME];
    bench.device_hears(&[]);
    while bench.device.poll_at(bench.now, &bench.ring).is_some_and(|at| at <= bench.now) {
        let used = bench.device_frame(&mut frame);
        bench.host.handle_bytes(bench.now, &frame[..used]);
        if let Some(HostEvent::Records { count, .. }) = bench.host.poll_event() {
            sent += count;
        }
    }
    assert!((WINDOW_RECORDS..WINDOW_RECORDS + 100).contains(&sent), "{sent} records were sent at once");
}

#[test]
fn records_lost_with_the_power_are_told_and_the_rest_still_comes() {
    let mut bench = Bench::in_session(10, 10);
    (0..100).for_each(|_| bench.write_record());
    bench.ring.drop_before(60);
    bench.run_until(|bench| bench.records.len() == 40);
    assert_eq!(bench.unknown, [(0, 60)]);
    assert_eq!(bench.records, (60..100).collect::<Vec<_>>());
}

#[test]
fn the_device_is_never_left_alone_in_a_simulated_hour() {
    let mut bench = Bench::in_session(10, 11);
    for _ in 0..3_600 {
        bench.write_record();
        bench.run_for(SECOND);
        bench.durable = bench.records.len() as u32;
    }
    println!("longest silence {} µs", bench.longest_silence);
    assert!(bench.longest_silence < 250_000, "silent for {} µs", bench.longest_silence);
    assert_eq!(bench.records.len(), 3_600);
}

#[test]
fn twenty_thousand_records_a_second_pass_while_connected() {
    let mut bench = Bench::in_session(0, 18);
    let mut most_held = 0;
    for _ in 0..20_000 {
        bench.write_record();
        bench.run_for(50);
        bench.durable = bench.records.len() as u32;
        most_held = most_held.max(bench.ring.next() - bench.ring.first_kept());
    }
    bench.run_until(|bench| bench.records.len() == 20_000);
    assert_eq!(bench.records, (0..20_000).collect::<Vec<_>>());
    assert!(most_held < 400, "the device held {most_held} records, 20 ms of them");
}

#[test]
fn at_rest_both_ends_say_little() {
    let mut bench = Bench::in_session(0, 12);
    bench.run_for(SECOND);
    let before = (bench.to_device.frames, bench.to_host.frames);
    bench.run_for(100 * SECOND);
    let (from_host, from_device) = (bench.to_device.frames - before.0, bench.to_host.frames - before.1);
    assert!((1_990..=2_010).contains(&from_host) && from_device == from_host, "{from_host} and {from_device}");
}

#[test]
fn a_device_without_its_controller_sends_nothing() {
    let mut bench = Bench::in_session(0, 13);
    bench.to_device.drop = 100;
    bench.run_for(SECOND);
    let before = bench.to_host.frames;
    (0..100).for_each(|_| bench.write_record());
    bench.run_for(60 * SECOND);
    assert_eq!(bench.to_host.frames, before);
    // Back again, it is sent all it missed.
    bench.to_device.drop = 0;
    bench.run_for(SECOND);
    assert_eq!(bench.records, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_controller_that_does_not_follow_the_session_can_stop_it_but_not_arm() {
    let mut bench = Bench::in_session(0, 14);
    bench.write_record();
    bench.host = HostEnd::new();
    bench.wishes = vec![Command::Abort, Command::Stop, Command::Arm { lines: 1 }];
    bench.run_until(|bench| bench.answers.len() == 3);
    assert_eq!(bench.answers, [Answer::Refused(Refusal::NotThisSession), Answer::Done, Answer::Done]);
    assert_eq!(bench.applied, [Command::Stop, Command::Abort]);
    assert_eq!(bench.records, [] as [u32; 0], "records only go to a controller that follows their session");
}

#[test]
fn commands_wait_for_a_device_and_for_each_other() {
    let mut host = HostEnd::new();
    assert_eq!(host.send(Command::Stop), Err(SendError::NoDevice));
    let mut bench = Bench::in_session(0, 15);
    let seq = bench.host.send(Command::Stop).unwrap();
    assert_eq!(bench.host.send(Command::Abort), Err(SendError::Busy { seq }));
    bench.run_until(|bench| bench.answers.len() == 1);
    let value = i64::MIN;
    assert!(bench.host.send(Command::Parameter { variable: VariableId(3), value }).is_ok());
}

#[test]
fn random_bytes_never_become_a_command_or_a_record() {
    let mut chance = Chance::new(16);
    let (mut device, mut host) = (DeviceEnd::new(77, hello()), HostEnd::new());
    host.resume(5, 0);
    device.begin_session(5);
    for now in 0..20_000 {
        let length = chance.below(300) as usize;
        let noise: Vec<u8> = (0..length).map(|_| if chance.percent(2) { 0 } else { chance.next() as u8 }).collect();
        device.handle_bytes(now, &noise, 0);
        assert_eq!(device.take_command(), None);
        assert_eq!(device.heard_at(), None);
        let mut rest = noise.as_slice();
        while !rest.is_empty() {
            rest = host.handle_bytes(now, rest);
            assert_eq!(host.poll_event(), None);
        }
    }
    assert!(device.bad_frames().0.total() > 10_000, "the noise was heard");
}

#[test]
fn nobody_acknowledges_records_that_do_not_exist() {
    let mut bench = Bench::in_session(0, 27);
    (0..50).for_each(|_| bench.write_record());
    let mut frame = [0; MAX_FRAME];
    let wrong = HostFrame { boot: 77, beat: 1, session: 5, received: 900, durable: 900, command: None };
    let used = wrong.encode(&mut frame).unwrap();
    bench.device_hears(&frame[..used]);
    assert_eq!((bench.device.received(), bench.device.durable(), bench.ring.first_kept()), (0, 0, 0));
    bench.durable = 50;
    bench.run_until(|bench| bench.records.len() == 50 && bench.device.durable() == 50);
}

#[test]
fn an_end_does_not_take_its_own_echo_for_the_other() {
    let mut bench = Bench::in_session(0, 17);
    let mut frame = [0; MAX_FRAME];
    bench.host.send(Command::Stop).unwrap();
    let used = bench.host.poll_transmit(bench.now, &mut frame).unwrap();
    let mut host = HostEnd::new();
    host.handle_bytes(0, &frame[..used]);
    assert_eq!(host.poll_event(), None);
    assert_eq!(host.heard_at(), None);
}
