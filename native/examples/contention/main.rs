//! The programs of benchmarks/tasks/{mutex,rw,waiting}.ts, in Rust, with the locks that Rust and C programs use:
//!
//!     cargo run --release --no-default-features --example contention [MILLISECONDS [ROUNDS]]
//!     … contention one TASK SUBJECT THREADS MILLISECONDS [NAME=NUMBER ...]     one repetition, as JSON
//!
//! Every task runs for a fixed time and checks its counts, so a lock that lets two in shows. Printed: nanoseconds an
//! operation over all threads, the median of the rounds.

mod locks;
mod work;

use locks::{Bells, Monitor, State, monitor, mutex, read_write};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use work::{Outcome, run_all, steps};

/// What a task is told: subject, threads, time and its numbers.
struct Order {
    subject: String,
    threads: usize,
    time: Duration,
    numbers: HashMap<String, u32>,
}

impl Order {
    fn number(&self, name: &str) -> u32 {
        self.numbers.get(name).copied().unwrap_or(0)
    }
}

/// `steps` with the lock held and `think` without it; the first wait of every 64 is timed.
fn contend(order: &Order) -> Outcome {
    let lock = mutex(&order.subject);
    let (inside, outside) = (order.number("steps"), order.number("think"));
    let outcome = run_all(order.threads, order.time, |turn| {
        let mut value = 0;
        while !turn.is_over() {
            let mut work = |counted: &mut u64| {
                value = steps(inside, value);
                *counted += 1;
            };
            if turn.operations % 64 == 0 {
                let begun = std::time::Instant::now();
                let mut waited = 0;
                lock.hold(&mut |counted| {
                    waited = begun.elapsed().as_nanos() as u64;
                    work(counted);
                });
                turn.waits.push(waited);
            } else {
                lock.hold(&mut work);
            }
            value = steps(outside, value);
            turn.operations += 1;
        }
    });
    lock.hold(&mut |counted| assert_eq!(*counted, outcome.total(), "two threads were inside at once"));
    outcome
}

/// Reads, `percent` of all, and writes.
fn read_and_write(order: &Order) -> Outcome {
    let lock = read_write(&order.subject);
    let (percent, count, written) = (order.number("percent"), order.number("steps"), AtomicU64::new(0));
    let outcome = run_all(order.threads, order.time, |turn| {
        let (mut drawn, mut value, mut writes) = (turn.seat as u32 * 7919 + 1, 0, 0);
        while !turn.is_over() {
            drawn = drawn.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
            if (drawn >> 8) % 100 < percent {
                lock.read(&mut |words| {
                    value = steps(count, value);
                    assert_eq!(words[0], words[1], "a reader saw half a write");
                });
            } else {
                lock.write(&mut |words| {
                    words[0] += 1;
                    value = steps(count, value);
                    words[1] += 1;
                });
                writes += 1;
            }
            value = steps(count, value);
            turn.operations += 1;
        }
        written.fetch_add(writes, SeqCst);
    });
    lock.read(&mut |words| assert_eq!(words[0], written.load(SeqCst), "a write was lost"));
    outcome
}

fn acquire(semaphore: &dyn Monitor) {
    semaphore.run(0, &mut |state, _| {
        let free = state.permits > 0;
        state.permits -= u64::from(free);
        free || state.over
    });
}

fn release(semaphore: &dyn Monitor, over: bool) {
    semaphore.run(0, &mut |state, bells| {
        state.permits += 1;
        state.over = over;
        bells.one(0);
        true
    });
}

/// Two threads hand over to each other by semaphores; an operation is there and back.
fn hand_over(order: &Order) -> Outcome {
    let (there, back) = (monitor(&order.subject), monitor(&order.subject));
    run_all(2, order.time, |turn| {
        if turn.seat == 0 {
            while !turn.is_over() {
                turn.timed(|| {
                    release(there.as_ref(), false);
                    acquire(back.as_ref());
                });
                turn.operations += 1;
            }
            release(there.as_ref(), true);
        } else {
            while !turn.is_over() {
                acquire(there.as_ref());
                release(back.as_ref(), false);
            }
            release(back.as_ref(), true);
        }
    })
}

fn wake_others(monitor: &dyn Monitor, others: usize, over: bool) {
    monitor.run(1, &mut |state: &mut State, bells: &dyn Bells| {
        if state.waiting != others {
            return false;
        }
        state.waiting = 0;
        state.turn += 1;
        state.over = over;
        bells.all(0);
        true
    });
}

/// One thread wakes all others and waits until they all wait again; an operation is one such round.
fn wake_all(order: &Order) -> Outcome {
    let (monitor, others) = (monitor(&order.subject), order.threads - 1);
    run_all(order.threads, order.time, |turn| {
        if turn.seat == 0 {
            while !turn.is_over() {
                turn.timed(|| wake_others(monitor.as_ref(), others, false));
                turn.operations += 1;
            }
            wake_others(monitor.as_ref(), others, true);
            return;
        }
        let mut over = false;
        while !over {
            let mut seen = None;
            monitor.run(0, &mut |state, bells| {
                over = state.over;
                let begun = *seen.get_or_insert_with(|| {
                    state.waiting += 1;
                    if state.waiting == others {
                        bells.one(1);
                    }
                    state.turn
                });
                state.turn != begun
            });
        }
    })
}

fn run(task: &str, order: &Order) -> Outcome {
    match task {
        "mutex" => contend(order),
        "rw" => read_and_write(order),
        "handoff" => hand_over(order),
        "wake all" => wake_all(order),
        other => panic!("no task {other}"),
    }
}

fn one(arguments: &[String]) {
    let [task, subject, threads, milliseconds, numbers @ ..] = arguments else {
        panic!("one TASK SUBJECT THREADS MILLISECONDS [NAME=NUMBER ...]");
    };
    let number = |text: &str| text.parse::<u32>().expect("a number");
    let named = numbers.iter().map(|text| text.split_once('=').expect("NAME=NUMBER"));
    let order = Order {
        subject: subject.clone(),
        threads: number(threads) as usize,
        time: Duration::from_millis(number(milliseconds).into()),
        numbers: named.map(|(name, value)| (name.to_owned(), number(value))).collect(),
    };
    println!("{}", run(task, &order).json());
}

fn print_median(task: &str, numbers: &[(&str, u32)], threads: usize, subject: &str, time: Duration, rounds: u64) {
    let order = Order {
        subject: subject.to_owned(),
        threads,
        time,
        numbers: numbers.iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
    };
    let mut times: Vec<f64> = (0..rounds).map(|_| run(task, &order).ns_per_op()).collect();
    times.sort_by(f64::total_cmp);
    println!("{task:9} {numbers:?}  {threads:2} threads  {subject:12} {:10.1} ns", times[times.len() / 2]);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "one") {
        return one(&arguments[1..]);
    }
    let mut numbers = arguments.into_iter().map(|text| text.parse::<u64>().expect("a number"));
    let time = Duration::from_millis(numbers.next().unwrap_or(200));
    let rounds = numbers.next().unwrap_or(5);
    let all: &[&str] = if cfg!(unix) { &["pthread", "std", "parking_lot"] } else { &["std", "parking_lot"] };
    for threads in [2, 16] {
        for steps in [0, 50, 200, 2000] {
            for subject in all {
                print_median("mutex", &[("steps", steps), ("think", steps)], threads, subject, time, rounds);
            }
        }
    }
    for percent in [99, 90, 50] {
        for subject in all {
            print_median("rw", &[("percent", percent), ("steps", 50)], 2, subject, time, rounds);
        }
    }
    for subject in ["std", "parking_lot"] {
        print_median("handoff", &[], 2, subject, time, rounds);
        print_median("wake all", &[], 16, subject, time, rounds);
    }
}
