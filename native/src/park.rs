//! Sleeping on a word and waking. A sleeper first spins for a moment with the processor's pause instruction, as long as
//! that has lately been worth it, then sleeps in the queue.
//!
//! Invariant: a sleeper checks the word, and that no thread died since it last looked, under the lock that wakers take: no wake and
//! no death falls between the look and the sleep.

#![deny(unsafe_code)]

use crate::bell::Bell;
use crate::words::{AtomicI32, Ordering::SeqCst, SharedWords, Slept, fence, queue};
use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::LazyLock;
use std::time::Instant;

/// Looks at the word before a sleep, at the most: some 10 microseconds, about what a sleep and a wake cost.
const MOST_SPINS: u32 = 400;
/// After so many vain spins one is tried that takes all of them: two threads that hand over to each other sleep for ever
/// otherwise, since neither ever answers within the other's spin. After a vain trial it takes twice as many to the next.
const FIRST_TRIAL: u32 = 16;
const LAST_TRIAL: u32 = 1024;

pub const WOKEN: u32 = 0;
pub const TIMED_OUT: u32 = 1;
pub const NOT_EQUAL: u32 = 2;
/// A thread died since the sleeper last looked who lives.
pub const DEATHS: u32 = 3;
/// The sleep is not over, but the thread shall look whether it is to end: its bell was rung, or it has slept for a while.
pub const LOOK: u32 = 4;

/// What a thread has learnt of its spins; it follows what happens, as glibc's adaptive mutex does.
#[derive(Clone, Copy)]
struct Spins {
    /// Looks that it lately took until the word changed.
    usual: u32,
    /// Vain spins since the last one that was not or the last trial, and how many of them make a trial due.
    vain: u32,
    trial: u32,
}

thread_local! {
    static SPINS: Cell<Spins> = const { Cell::new(Spins { usual: 20, vain: 0, trial: FIRST_TRIAL }) };
}

/// Spinning on a single processor only keeps the holder from it.
static PROCESSORS: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// A count of deaths, and how many the sleeper knows of.
pub struct Deaths<'a> {
    pub count: &'a AtomicI32,
    pub seen: i32,
}

impl Deaths<'_> {
    fn is_news(&self) -> bool {
        self.count.load(SeqCst) != self.seen
    }
}

/// Sleeps while the word at `index` is `expected`, until the time at the most, or until the bell is rung; spins before if
/// `spin`.
pub fn park(
    words: &SharedWords,
    index: usize,
    expected: i32,
    deaths: &Deaths,
    until: Instant,
    spin: bool,
    bell: Option<&Bell>,
) -> Option<u32> {
    let cell = words.cell(index)?;
    if spin && spins(cell, expected) {
        return Some(NOT_EQUAL);
    }
    let key = words.key(index);
    if let Some(bell) = bell {
        bell.sleeps_on(key);
    }
    let mut refusal = NOT_EQUAL;
    let may_sleep = || {
        // After the caller wrote into its slot that it sleeps, and the lines above; see `threads::die` and `Bell::ring`.
        fence(SeqCst);
        if deaths.is_news() {
            refusal = DEATHS;
        } else if cell.load(SeqCst) == expected {
            if bell.is_none_or(|bell| !bell.was_rung()) {
                return true;
            }
            refusal = LOOK;
        }
        false
    };
    let slept = queue::sleep(key, bell.map_or(0, |bell| bell.name), may_sleep, until);
    if let Some(bell) = bell {
        bell.sleeps_on(0);
        if slept == Slept::Called {
            bell.was_rung();
        }
    }
    Some(match slept {
        // A sleeper that was moved looks at the world again: its new word may be anything.
        Slept::Woken | Slept::Moved => WOKEN,
        Slept::TimedOut => TIMED_OUT,
        Slept::Refused => refusal,
        Slept::Called => LOOK,
    })
}

/// Whether the word changed within the spins that are thought worth it.
fn spins(cell: &AtomicI32, expected: i32) -> bool {
    if cfg!(loom) || *PROCESSORS == 1 {
        return cell.load(SeqCst) != expected;
    }
    let Spins { usual, vain, trial } = SPINS.get();
    let is_trial = vain >= trial;
    let most = if is_trial { MOST_SPINS } else { (2 * usual + 10).min(MOST_SPINS) };
    for looks in 0..most {
        if cell.load(SeqCst) != expected {
            let usual = if is_trial { looks } else { usual - usual / 8 + looks / 8 };
            SPINS.set(Spins { usual, vain: 0, trial: FIRST_TRIAL });
            return true;
        }
        spin_loop();
    }
    let usual = usual - usual / 8;
    SPINS.set(if is_trial {
        Spins { usual, vain: 0, trial: (2 * trial).min(LAST_TRIAL) }
    } else {
        Spins { usual, vain: vain + 1, trial }
    });
    false
}

/// Wakes up to `count` sleepers of the word; returns how many.
pub fn wake(words: &SharedWords, index: usize, count: usize) -> Option<usize> {
    words.cell(index)?;
    Some(queue::wake(words.key(index), count))
}

/// Wakes one sleeper of `from` if `wake_one`, and moves the others to `to`; returns how many were woken and moved.
pub fn requeue(words: &SharedWords, from: usize, to: usize, wake_one: bool) -> Option<(usize, usize)> {
    words.cell(from)?;
    words.cell(to)?;
    Some(queue::requeue(words.key(from), words.key(to), wake_one))
}
