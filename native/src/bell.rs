//! A thread's bell: rung, it ends the thread's sleep, so that the thread comes back to JavaScript, where it can be ended.
//!
//! Invariant: a ring is never missed. Whoever rings writes RUNG before it reads where the thread sleeps; the thread writes
//! where it sleeps before it reads RUNG, under the queue's lock. So it either finds the ring there, or is found asleep.

#![deny(unsafe_code)]

use crate::words::{AtomicI32, AtomicUsize, Ordering::SeqCst, fence, queue};

pub struct Bell {
    /// What the queue knows the thread by: no other one has it, and it is not 0.
    pub name: usize,
    rung: AtomicI32,
    /// The key on which the thread sleeps; 0: it is awake.
    asleep: AtomicUsize,
}

impl Bell {
    pub fn new(name: usize) -> Self {
        Self { name, rung: AtomicI32::new(0), asleep: AtomicUsize::new(0) }
    }

    /// Ends the thread's sleep, or its next one, before it begins; false if the thread seems to be awake.
    pub fn ring(&self) -> bool {
        self.rung.store(1, SeqCst);
        fence(SeqCst);
        let key = self.asleep.load(SeqCst);
        if key != 0 {
            queue::wake_thread(key, self.name);
        }
        key != 0
    }

    /// The bell's thread is about to sleep on the key, or awake again (0).
    pub fn sleeps_on(&self, key: usize) {
        self.asleep.store(key, SeqCst);
    }

    /// Whether it was rung since the last call.
    pub fn was_rung(&self) -> bool {
        self.rung.load(SeqCst) != 0 && self.rung.swap(0, SeqCst) != 0
    }
}
