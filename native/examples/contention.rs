//! The program of benchmarks/tasks/mutex.ts, in Rust, with the locks that Rust programs use:
//!
//!     cargo run --release --no-default-features --example contention [MILLISECONDS [ROUNDS]]
//!     … contention one pthread|std|parking_lot THREADS STEPS THINK MILLISECONDS     one repetition, as JSON
//!
//! Each thread works so many steps inside the lock and as many outside, for a fixed time; the counter is a plain one, so
//! a lock that lets two in shows. Printed: nanoseconds an operation over all threads, the median of the rounds.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Barrier, Condvar, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

trait Lock: Sync {
    /// Runs the work with the lock held.
    fn hold(&self, work: &mut dyn FnMut(&mut u64));
}

impl Lock for Mutex<u64> {
    fn hold(&self, work: &mut dyn FnMut(&mut u64)) {
        work(&mut self.lock().unwrap());
    }
}

impl Lock for parking_lot::Mutex<u64> {
    fn hold(&self, work: &mut dyn FnMut(&mut u64)) {
        work(&mut self.lock());
    }
}

#[cfg(unix)]
struct Pthread {
    lock: Box<UnsafeCell<libc::pthread_mutex_t>>,
    count: UnsafeCell<u64>,
}

// SAFETY: the count is only touched with the lock held.
#[cfg(unix)]
unsafe impl Sync for Pthread {}

#[cfg(unix)]
impl Pthread {
    fn new() -> Self {
        Self { lock: Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)), count: UnsafeCell::new(0) }
    }
}

#[cfg(unix)]
impl Lock for Pthread {
    fn hold(&self, work: &mut dyn FnMut(&mut u64)) {
        // SAFETY: the mutex is initialised and never moves; the count belongs to its holder.
        unsafe {
            assert_eq!(libc::pthread_mutex_lock(self.lock.get()), 0);
            work(&mut *self.count.get());
            assert_eq!(libc::pthread_mutex_unlock(self.lock.get()), 0);
        }
    }
}

fn steps(count: u32, mut value: i32) -> i32 {
    for k in 0..count {
        value = black_box(value.wrapping_mul(31).wrapping_add(k as i32));
    }
    value
}

/// What the threads of one repetition came to.
struct Outcome {
    elapsed: Duration,
    operations: Vec<u64>,
    /// Timed acquisitions in nanoseconds, sorted: the first of every 64.
    waits: Vec<u64>,
}

impl Outcome {
    fn total(&self) -> u64 {
        self.operations.iter().sum()
    }

    fn ns_per_op(&self) -> f64 {
        self.elapsed.as_nanos() as f64 / self.total() as f64
    }

    fn wait_at(&self, part: f64) -> u64 {
        self.waits[((self.waits.len() - 1) as f64 * part) as usize]
    }
}

/// `inside` steps with the lock held and `outside` without it.
fn contend(lock: &dyn Lock, threads: usize, inside: u32, outside: u32, time: Duration) -> Outcome {
    let (state, start) = (AtomicU32::new(0), Barrier::new(threads + 1));
    let mut before = 0;
    lock.hold(&mut |counted| before = *counted);
    let (results, elapsed) = scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (mut operations, mut value, mut waits) = (0u64, 0, Vec::with_capacity(1 << 16));
                    start.wait();
                    while state.load(SeqCst) == 0 {
                        let begun = (operations % 64 == 0).then(Instant::now);
                        lock.hold(&mut |counted| {
                            waits.extend(begun.map(|begun| begun.elapsed().as_nanos() as u64));
                            value = steps(inside, value);
                            *counted += 1;
                        });
                        value = steps(outside, value);
                        operations += 1;
                    }
                    (operations, waits)
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        sleep(time);
        state.store(1, SeqCst);
        let elapsed = begun.elapsed();
        (workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>(), elapsed)
    });
    let operations: Vec<u64> = results.iter().map(|(operations, _)| *operations).collect();
    let mut waits: Vec<u64> = results.into_iter().flat_map(|(_, waits)| waits).collect();
    waits.sort_unstable();
    let outcome = Outcome { elapsed, operations, waits };
    lock.hold(&mut |counted| assert_eq!(*counted - before, outcome.total(), "two threads were inside at once"));
    outcome
}

/// One repetition in the form of the benchmarks' harness (benchmarks/team.ts).
fn one(arguments: &[String]) {
    let number = |at: usize| arguments[at].parse::<u32>().expect("a number");
    let lock: Box<dyn Lock> = match arguments[0].as_str() {
        #[cfg(unix)]
        "pthread" => Box::new(Pthread::new()),
        "std" => Box::new(Mutex::new(0)),
        "parking_lot" => Box::new(parking_lot::Mutex::new(0)),
        other => panic!("no lock {other}"),
    };
    let threads = number(1) as usize;
    let outcome = contend(lock.as_ref(), threads, number(2), number(3), Duration::from_millis(number(4).into()));
    let least = *outcome.operations.iter().min().unwrap() as f64;
    println!(
        "{{\"nsPerOp\":{},\"p50\":{},\"p99\":{},\"max\":{},\"fairness\":{}}}",
        outcome.ns_per_op(),
        outcome.wait_at(0.5),
        outcome.wait_at(0.99),
        outcome.wait_at(1.0),
        least * threads as f64 / outcome.total() as f64
    );
}

/// Microseconds from notify_all until the last of the waiters has held the lock again.
fn herd(waiters: usize) -> f64 {
    let (lock, condition) = (Mutex::new((0, 0, false)), Condvar::new());
    scope(|scope| {
        for _ in 0..waiters {
            scope.spawn(|| {
                let mut state = lock.lock().unwrap();
                state.0 += 1;
                while !state.2 {
                    state = condition.wait(state).unwrap();
                }
                state.1 += 1;
            });
        }
        while lock.lock().unwrap().0 < waiters {
            sleep(Duration::from_millis(1));
        }
        let begun = Instant::now();
        lock.lock().unwrap().2 = true;
        condition.notify_all();
        while lock.lock().unwrap().1 < waiters {
            std::thread::yield_now();
        }
        begun.elapsed().as_nanos() as f64 / 1e3
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "one") {
        return one(&arguments[1..]);
    }
    let mut numbers = arguments.into_iter().map(|text| text.parse::<u64>().expect("a number"));
    let time = Duration::from_millis(numbers.next().unwrap_or(200));
    let rounds = numbers.next().unwrap_or(5);
    let locks: Vec<(&str, Box<dyn Lock>)> = vec![
        #[cfg(unix)]
        ("pthread_mutex", Box::new(Pthread::new())),
        ("std::sync::Mutex", Box::new(Mutex::new(0))),
        ("parking_lot", Box::new(parking_lot::Mutex::new(0))),
    ];
    for threads in [2, 16] {
        for count in [0, 50, 200, 2000] {
            for (name, lock) in &locks {
                let times =
                    (0..rounds).map(|_| contend(lock.as_ref(), threads, count, count, time).ns_per_op()).collect();
                println!("{threads:2} threads, {count:4} steps  {name:18} {:10.1} ns", median(times));
            }
        }
    }
    println!("notify_all of 15 (std)  {:.1} µs", median((0..rounds * 4).map(|_| herd(15)).collect()));
}
