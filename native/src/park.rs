//! Sleeping on a word and waking. A sleeper first spins for a moment with the processor's pause instruction, as long as
//! that has lately been worth it, then sleeps in the queue.
//!
//! Invariant: a sleep is never longer than a slice, so that its thread comes back to JavaScript, where it can be ended.
//! A sleeper checks the word, and that no thread died since it last looked, under the lock that wakers take: no wake and
//! no death falls between the look and the sleep.

#![deny(unsafe_code)]

use crate::words::{AtomicI32, Ordering::SeqCst, SharedWords, Slept, fence, queue};
use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The longest sleep.
pub const SLICE: Duration = Duration::from_millis(20);
/// Looks at the word before a sleep, at the most: some 10 microseconds, about what a sleep and a wake cost.
const MOST_SPINS: u32 = 400;
/// After so many vain spins one is tried that takes all of them: two threads that hand over to each other sleep for ever
/// otherwise, since neither ever answers within the other's spin.
const TRIAL: u32 = 16;

pub const WOKEN: u32 = 0;
pub const TIMED_OUT: u32 = 1;
pub const NOT_EQUAL: u32 = 2;
/// A thread died since the sleeper last looked who lives.
pub const DEATHS: u32 = 3;

thread_local! {
    /// How many looks it lately took until the word changed, and how many spins since then were in vain; it follows what
    /// happens, as in glibc's adaptive mutex.
    static SPINS: Cell<(u32, u32)> = const { Cell::new((20, 0)) };
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

/// Sleeps while the word at `index` is `expected`, for a slice and `timeout` at the most; spins before if `spin`.
pub fn park(
    words: &SharedWords,
    index: usize,
    expected: i32,
    deaths: &Deaths,
    timeout: Duration,
    spin: bool,
) -> Option<u32> {
    let cell = words.cell(index)?;
    if spin && spins(cell, expected) {
        return Some(NOT_EQUAL);
    }
    let mut news = false;
    let may_sleep = || {
        // After the caller wrote into its slot that it sleeps; see `threads::die`.
        fence(SeqCst);
        news = deaths.is_news();
        !news && cell.load(SeqCst) == expected
    };
    let slept = queue::sleep(words.key(index), may_sleep, Instant::now() + timeout.min(SLICE));
    Some(match slept {
        // A sleeper that was moved looks at the world again: its new word may be anything.
        Slept::Woken | Slept::Moved => WOKEN,
        Slept::TimedOut => TIMED_OUT,
        Slept::Refused => {
            if news {
                DEATHS
            } else {
                NOT_EQUAL
            }
        }
    })
}

/// Whether the word changed within the spins that are thought worth it.
fn spins(cell: &AtomicI32, expected: i32) -> bool {
    if cfg!(loom) || *PROCESSORS == 1 {
        return cell.load(SeqCst) != expected;
    }
    let (usual, vain) = SPINS.get();
    let trial = vain % TRIAL == TRIAL - 1;
    let most = if trial { MOST_SPINS } else { (2 * usual + 10).min(MOST_SPINS) };
    for looks in 0..most {
        if cell.load(SeqCst) != expected {
            SPINS.set(if trial { (looks, 0) } else { (usual - usual / 8 + looks / 8, 0) });
            return true;
        }
        spin_loop();
    }
    SPINS.set((usual - usual / 8, vain.wrapping_add(1)));
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
