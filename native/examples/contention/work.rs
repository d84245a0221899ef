//! What all tasks share: threads that start together, run for a fixed time and are counted.

use std::arch::asm;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// The steps of benchmarks/task.ts, one after the other as there: left alone, the compiler does eight at a time.
pub fn steps(count: u32, mut value: i32) -> i32 {
    for k in 0..black_box(count) {
        value = value.wrapping_mul(31).wrapping_add(k as i32);
        // SAFETY: no instruction; it says that the register may have changed.
        unsafe { asm!("/* {0:r} */", inout(reg) value, options(nomem, nostack, preserves_flags)) };
    }
    black_box(value)
}

/// What the threads of one repetition came to.
pub struct Outcome {
    pub elapsed: Duration,
    /// Of each thread.
    pub operations: Vec<u64>,
    /// Timed waits in nanoseconds, sorted.
    waits: Vec<u64>,
}

impl Outcome {
    pub fn total(&self) -> u64 {
        self.operations.iter().sum()
    }

    pub fn ns_per_op(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.total() as f64
    }

    fn wait_at(&self, part: f64) -> f64 {
        let at = (self.waits.len().saturating_sub(1) as f64 * part) as usize;
        self.waits.get(at).map_or(self.ns_per_op(), |&wait| wait as f64)
    }

    /// In the form of the benchmarks' harness (benchmarks/team.ts).
    pub fn json(&self) -> String {
        let (p50, p99, max) = (self.wait_at(0.5), self.wait_at(0.99), self.wait_at(1.0));
        format!("{{\"nsPerOp\":{},\"p50\":{p50},\"p99\":{p99},\"max\":{max}}}", self.ns_per_op())
    }
}

/// What a thread is told, and what it tells.
pub struct Turn<'a> {
    pub seat: usize,
    over: &'a AtomicBool,
    pub operations: u64,
    pub waits: Vec<u64>,
}

impl Turn<'_> {
    pub fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    pub fn timed(&mut self, work: impl FnOnce()) {
        let begun = Instant::now();
        work();
        self.waits.push(begun.elapsed().as_nanos() as u64);
    }
}

/// Runs `work` in so many threads, which shall come back soon after the time is over.
pub fn run_all(threads: usize, time: Duration, work: impl Fn(&mut Turn) + Sync) -> Outcome {
    let (over, start) = (AtomicBool::new(false), Barrier::new(threads + 1));
    scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|seat| {
                let (over, start, work) = (&over, &start, &work);
                scope.spawn(move || {
                    let mut turn = Turn { seat, over, operations: 0, waits: Vec::with_capacity(1 << 14) };
                    start.wait();
                    work(&mut turn);
                    (turn.operations, turn.waits)
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        sleep(time);
        over.store(true, Relaxed);
        let elapsed = begun.elapsed();
        let results: Vec<_> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        let operations = results.iter().map(|(operations, _)| *operations).collect();
        let mut waits: Vec<u64> = results.into_iter().flat_map(|(_, waits)| waits).collect();
        waits.sort_unstable();
        Outcome { elapsed, operations, waits }
    })
}
