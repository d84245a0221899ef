//! Every interleaving of a death with a sleep: a sleeper that does not come back is a deadlock, which loom reports.
//! `RUSTFLAGS="--cfg loom" cargo test --no-default-features --release --test loom`
#![cfg(loom)]

use holdfast_native::bell::Bell;
use holdfast_native::park::{DEATHS, Deaths, LOOK, NOT_EQUAL, WOKEN, park, wake};
use holdfast_native::threads::{Seat, die};
use holdfast_native::words::{AtomicI32, Ordering::SeqCst, SharedWords};
use loom::sync::Arc;
use std::time::{Duration, Instant};

const STATE: usize = 0;
const DEATHS_AT: usize = 1;
const SLEEPS_ON: usize = 2;
const LOCK: usize = 3;
const ALIVE: i32 = 5;
const DEAD: i32 = 6;
const SEAT: Seat =
    Seat { state: STATE, alive: ALIVE, dead: DEAD, deaths: DEATHS_AT, first: SLEEPS_ON, stride: 1, slots: 1 };

fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

fn memory() -> &'static [AtomicI32] {
    let words: Vec<_> = (0..4).map(|_| AtomicI32::new(0)).collect();
    let words: &'static [AtomicI32] = words.leak();
    words[STATE].store(ALIVE, SeqCst);
    words
}

fn sleep(words: &'static [AtomicI32], seen: i32) -> u32 {
    let deaths = Deaths { count: &words[DEATHS_AT], seen };
    words[SLEEPS_ON].store(LOCK as i32, SeqCst);
    let ended = park(&SharedWords::over(words), LOCK, 0, &deaths, in_a_second(), true, None).unwrap();
    words[SLEEPS_ON].store(0, SeqCst);
    ended
}

#[test]
fn a_waiter_always_learns_of_the_owners_death() {
    loom::model(|| {
        let words = memory();
        let dying = loom::thread::spawn(move || die(&SharedWords::over(words), &SEAT));
        let seen = words[DEATHS_AT].load(SeqCst);
        // The word never changes: the death alone ends the wait.
        if words[STATE].load(SeqCst) == ALIVE {
            let ended = sleep(words, seen);
            assert!(ended == WOKEN || ended == DEATHS);
            assert_eq!(words[STATE].load(SeqCst), DEAD);
        }
        dying.join().unwrap();
        assert_eq!(words[DEATHS_AT].load(SeqCst), 1);
    });
}

#[test]
fn a_change_of_the_word_and_its_wake_are_never_missed() {
    loom::model(|| {
        let words = memory();
        let waker = loom::thread::spawn(move || {
            words[LOCK].store(1, SeqCst);
            wake(&SharedWords::over(words), LOCK, 1);
        });
        let ended = sleep(words, 0);
        assert!(ended == WOKEN || ended == NOT_EQUAL);
        waker.join().unwrap();
    });
}

#[test]
fn a_ring_is_never_missed() {
    loom::model(|| {
        let words = memory();
        let bell = Arc::new(Bell::new(1));
        let rung = Arc::clone(&bell);
        let ringing = loom::thread::spawn(move || {
            rung.ring();
        });
        let deaths = Deaths { count: &words[DEATHS_AT], seen: 0 };
        // Nothing but the bell ends the sleep.
        assert_eq!(park(&SharedWords::over(words), LOCK, 0, &deaths, in_a_second(), false, Some(&bell)), Some(LOOK));
        ringing.join().unwrap();
    });
}

#[test]
fn a_ring_takes_no_wake_away() {
    loom::model(|| {
        let words = memory();
        let bell = Arc::new(Bell::new(1));
        let rung = Arc::clone(&bell);
        let ringing = loom::thread::spawn(move || {
            rung.ring();
            words[LOCK].store(1, SeqCst);
            wake(&SharedWords::over(words), LOCK, 1);
        });
        let deaths = Deaths { count: &words[DEATHS_AT], seen: 0 };
        // As JavaScript does: it sleeps on until the word has changed or it was woken.
        while park(&SharedWords::over(words), LOCK, 0, &deaths, in_a_second(), false, Some(&bell)) == Some(LOOK) {}
        assert_eq!(words[LOCK].load(SeqCst), 1);
        ringing.join().unwrap();
    });
}
