//! The queue of sleepers as the model checker sees it: the same promises, by a lock and a condition of loom's.

#![deny(unsafe_code)]

use crate::words::Slept;
use loom::sync::{Condvar, Mutex};
use std::time::Instant;

/// Who sleeps, by key and thread, and who of them was called.
#[derive(Default)]
struct Asleep {
    sleepers: Vec<(usize, usize)>,
    called: Vec<usize>,
}

loom::lazy_static! {
    static ref ASLEEP: (Mutex<Asleep>, Condvar) = (Mutex::new(Asleep::default()), Condvar::new());
}

/// As the real one, but without an end of the time: a wake that is lost is a deadlock that loom reports.
pub fn sleep(key: usize, thread: usize, may_sleep: impl FnOnce() -> bool, _deadline: Instant) -> Slept {
    let mut asleep = ASLEEP.0.lock().unwrap();
    if !may_sleep() {
        return Slept::Refused;
    }
    asleep.sleepers.push((key, thread));
    while asleep.sleepers.contains(&(key, thread)) {
        asleep = ASLEEP.1.wait(asleep).unwrap();
    }
    let called = asleep.called.iter().position(|&other| other == thread);
    called.map_or(Slept::Woken, |at| {
        asleep.called.swap_remove(at);
        Slept::Called
    })
}

/// Wakes every sleeper of the key.
pub fn wake(key: usize, _count: usize) -> usize {
    let mut asleep = ASLEEP.0.lock().unwrap();
    let before = asleep.sleepers.len();
    asleep.sleepers.retain(|&(other, _)| other != key);
    ASLEEP.1.notify_all();
    before - asleep.sleepers.len()
}

pub fn wake_thread(key: usize, thread: usize) {
    let mut asleep = ASLEEP.0.lock().unwrap();
    if let Some(at) = asleep.sleepers.iter().position(|&sleeper| sleeper == (key, thread)) {
        asleep.sleepers.swap_remove(at);
        asleep.called.push(thread);
        ASLEEP.1.notify_all();
    }
}

pub fn requeue(from: usize, _to: usize, _wake_one: bool) -> (usize, usize) {
    (wake(from, usize::MAX), 0)
}
