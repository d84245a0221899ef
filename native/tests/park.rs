//! The lock core by threads of Rust's own, without JavaScript.
#![cfg(not(loom))]

use holdfast_native::bell::Bell;
use holdfast_native::park::{DEATHS, Deaths, LOOK, NOT_EQUAL, TIMED_OUT, WOKEN, park, requeue, wake};
use holdfast_native::threads::{Seat, die};
use holdfast_native::words::{AtomicI32, SharedWords};
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{spawn, yield_now};
use std::time::{Duration, Instant};

const SLICE: Duration = Duration::from_millis(20);

fn words(length: usize) -> &'static [AtomicI32] {
    (0..length).map(|_| AtomicI32::new(0)).collect::<Vec<_>>().leak()
}

fn sleep_on(memory: &'static [AtomicI32], index: usize, expected: i32, seen: i32) -> u32 {
    let deaths = Deaths { count: &memory[0], seen };
    park(&SharedWords::over(memory), index, expected, &deaths, Instant::now() + SLICE, true, None).unwrap()
}

#[test]
fn a_word_that_is_not_as_expected_is_not_slept_on() {
    assert_eq!(sleep_on(words(4), 1, 1, 0), NOT_EQUAL);
}

#[test]
fn a_sleep_ends_by_itself() {
    assert_eq!(sleep_on(words(4), 1, 0, 0), TIMED_OUT);
}

#[test]
fn a_death_that_the_sleeper_does_not_know_of_keeps_it_awake() {
    assert_eq!(sleep_on(words(4), 1, 0, 7), DEATHS);
}

#[test]
fn indices_out_of_range_are_refused() {
    let memory = words(4);
    let shared = SharedWords::over(memory);
    let deaths = Deaths { count: &memory[0], seen: 0 };
    assert_eq!(park(&shared, 4, 0, &deaths, Instant::now() + SLICE, true, None), None);
    assert_eq!(wake(&shared, usize::MAX, 1), None);
    assert_eq!(requeue(&shared, 0, 4, true), None);
    let seat = Seat { state: 0, alive: 1, dead: 2, deaths: 1, first: 2, stride: usize::MAX, slots: 2 };
    assert!(!seat.fits(4));
    assert!(Seat { stride: 1, ..seat }.fits(4));
}

#[test]
fn wakes_are_counted_and_reach_sleepers_only() {
    let memory = words(4);
    let shared = SharedWords::over(memory);
    assert_eq!(wake(&shared, 1, 1), Some(0));
    let sleepers: Vec<_> = (0..3).map(|_| spawn(move || while sleep_on(memory, 1, 0, 0) != WOKEN {})).collect();
    let mut woken = 0;
    while woken < 2 {
        woken += wake(&shared, 1, 2 - woken).unwrap();
        yield_now();
    }
    while woken < 3 {
        woken += wake(&shared, 1, usize::MAX).unwrap();
        yield_now();
    }
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
    assert_eq!(woken, 3);
}

#[test]
fn moved_sleepers_are_woken_at_their_new_word() {
    let memory = words(64);
    let shared = SharedWords::over(memory);
    let sleepers: Vec<_> = (0..3)
        .map(|_| {
            spawn(move || {
                while memory[2].load(SeqCst) == 0 {
                    sleep_on(memory, 1, 0, 0);
                }
            })
        })
        .collect();
    let mut moved = 0;
    while moved == 0 {
        moved = requeue(&shared, 1, 3, true).unwrap().1;
        yield_now();
    }
    memory[2].store(1, SeqCst);
    memory[1].store(1, SeqCst);
    wake(&shared, 1, usize::MAX);
    wake(&shared, 3, usize::MAX);
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
}

const LONG: Duration = Duration::from_secs(3600);

fn sleep_with_bell(memory: &'static [AtomicI32], index: usize, bell: &Bell) -> u32 {
    let deaths = Deaths { count: &memory[0], seen: 0 };
    park(&SharedWords::over(memory), index, 0, &deaths, Instant::now() + LONG, false, Some(bell)).unwrap()
}

#[test]
fn a_ring_before_the_sleep_ends_it_once() {
    let memory = words(4);
    let bell = Bell::new(1);
    assert!(!bell.ring());
    assert_eq!(sleep_with_bell(memory, 1, &bell), LOOK);
    assert!(!bell.was_rung());
}

#[test]
fn a_bell_wakes_its_own_thread_only_and_takes_no_wake_from_the_others() {
    let memory = words(64);
    let bells: &'static [Bell] = (1..=3).map(Bell::new).collect::<Vec<_>>().leak();
    let sleepers: Vec<_> = bells.iter().map(|bell| spawn(move || sleep_with_bell(memory, 1, bell))).collect();
    // A ring that comes before the sleep is answered by no sleep: then there is nobody asleep to be found, ever.
    while !sleepers[1].is_finished() {
        bells[1].ring();
        yield_now();
    }
    let mut sleepers = sleepers.into_iter();
    let (first, second, third) = (sleepers.next().unwrap(), sleepers.next().unwrap(), sleepers.next().unwrap());
    assert_eq!(second.join().unwrap(), LOOK);
    let mut woken = 0;
    while woken < 2 {
        woken += wake(&SharedWords::over(memory), 1, 1).unwrap();
        yield_now();
    }
    assert_eq!((first.join().unwrap(), third.join().unwrap()), (WOKEN, WOKEN));
}

/// A lock of three states, to see that no wake is lost under contention.
#[test]
fn no_wake_is_lost_under_contention() {
    const ROUNDS: i32 = 5_000;
    let memory = words(64);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            spawn(move || {
                let shared = SharedWords::over(memory);
                for _ in 0..ROUNDS {
                    if memory[16].compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
                        while memory[16].swap(2, SeqCst) != 0 {
                            sleep_on(memory, 16, 2, 0);
                        }
                    }
                    // A plain read and write: two inside at once would lose a count.
                    memory[32].store(memory[32].load(SeqCst) + 1, SeqCst);
                    if memory[16].swap(0, SeqCst) == 2 {
                        wake(&shared, 16, 1);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(memory[32].load(SeqCst), 4 * ROUNDS);
}

#[test]
fn the_dead_are_counted_once_and_whoever_sleeps_is_woken() {
    let memory = words(64);
    memory[8].store(5, SeqCst);
    let seat = Seat { state: 8, alive: 5, dead: 6, deaths: 0, first: 16, stride: 4, slots: 3 };
    let sleeper = spawn(move || {
        memory[20].store(40, SeqCst);
        let mut ended = TIMED_OUT;
        while ended == TIMED_OUT {
            ended = sleep_on(memory, 40, 0, 0);
        }
        ended
    });
    while memory[20].load(SeqCst) == 0 {
        yield_now();
    }
    die(&SharedWords::over(memory), &seat);
    die(&SharedWords::over(memory), &seat);
    assert!(matches!(sleeper.join().unwrap(), WOKEN | DEATHS));
    assert_eq!((memory[8].load(SeqCst), memory[0].load(SeqCst)), (6, 1));
}
