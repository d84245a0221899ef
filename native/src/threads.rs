//! A dying thread's last act: it says so in its slot of the region's registry, and wakes all who sleep, so that those who
//! wait for what it held look at once.
//!
//! Invariant: the slot says DEAD before the death is counted, and the death is counted before the sleepers are read. So a
//! sleeper either finds the death counted when it checks under the queue's lock, or is found asleep here.

#![deny(unsafe_code)]

use crate::words::{Ordering::SeqCst, SharedWords, fence, queue};

/// Where a thread's slot and those of the others are, as indices of words: the layout is JavaScript's to know.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// The slot's state word.
    pub state: usize,
    /// What it says while the thread lives, and what it shall say then.
    pub alive: i32,
    pub dead: i32,
    /// The count of deaths.
    pub deaths: usize,
    /// The word of the first slot that tells which cell its thread sleeps on, and how far apart those words are.
    pub first: usize,
    pub stride: usize,
    pub slots: usize,
}

impl Seat {
    /// Whether all of it lies within so many words.
    pub fn fits(&self, length: usize) -> bool {
        let last = self.slots.checked_mul(self.stride).and_then(|span| span.checked_add(self.first));
        self.state < length && self.deaths < length && last.is_some_and(|last| last <= length)
    }
}

/// The seat's thread is at its end. Does nothing if the slot says anything but that it lives.
pub fn die(words: &SharedWords, seat: &Seat) {
    let (Some(state), Some(deaths)) = (words.cell(seat.state), words.cell(seat.deaths)) else { return };
    if state.compare_exchange(seat.alive, seat.dead, SeqCst, SeqCst).is_err() {
        return;
    }
    deaths.fetch_add(1, SeqCst);
    // Against the one in a sleeper's check: of its word in its slot and the count, one side sees what the other wrote.
    fence(SeqCst);
    for slot in 0..seat.slots {
        let Some(asleep) = words.cell(seat.first + slot * seat.stride) else { return };
        let cell = asleep.load(SeqCst);
        // It may be beyond these words, if the memory has grown.
        if cell > 0 {
            queue::wake(words.key(cell as usize), usize::MAX);
        }
    }
}
