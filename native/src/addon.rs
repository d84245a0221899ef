//! What JavaScript sees. Every argument is checked here or by its type: a bad one throws TypeError.

use crate::park::{self, Deaths};
use crate::slices;
use crate::threads::{self, Seat};
use crate::words::{Kept, Plain, SharedWords, out_of_range};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

/// Drawn once by each copy of this library in a process: sleepers of one copy are not seen by another.
static INSTANCE: LazyLock<i32> = LazyLock::new(|| (RandomState::new().hash_one(0) as i32 & i32::MAX) | 1);

/// A sleep of ten years has no end.
const LONGEST_MS: f64 = 3e11;

struct Watch {
    kept: Kept,
    seat: Seat,
}

#[derive(Default)]
struct Watches {
    last: u32,
    hooked: bool,
    open: HashMap<u32, Watch>,
}

thread_local! {
    static WATCHES: RefCell<Watches> = RefCell::default();
}

fn index(env: &Env, Plain(value): Plain<f64>) -> Result<usize> {
    let index = value as usize;
    if index as f64 == value { Ok(index) } else { Err(out_of_range(env)) }
}

/// A number that is this copy's own, never 0: regions are marked with it.
#[napi]
pub fn instance() -> i32 {
    *INSTANCE
}

/// Sleeps while the word is `expected` and the count of deaths is `seen`, for `milliseconds` at the most: 0 woken, 1 time
/// over, 2 not equal, 3 a thread died, 4 the sleep was cut off, so that the thread can be ended: call again with `goes_on`.
/// Spins before the sleep if `spin`.
#[napi]
#[allow(clippy::too_many_arguments)]
pub fn park(
    env: Env,
    words: SharedWords,
    at: Plain<f64>,
    Plain(expected): Plain<i32>,
    deaths_at: Plain<f64>,
    Plain(seen): Plain<i32>,
    Plain(milliseconds): Plain<f64>,
    Plain(spin): Plain<bool>,
    Plain(goes_on): Plain<bool>,
) -> Result<u32> {
    let at = index(&env, at)?;
    let count = words.cell(index(&env, deaths_at)?).ok_or_else(|| out_of_range(&env))?;
    let deaths = Deaths { count, seen };
    let timeout = Duration::try_from_secs_f64(milliseconds.clamp(0.0, LONGEST_MS) / 1e3).unwrap_or_default();
    if WATCHES.with_borrow(|watches| watches.hooked) {
        slices::enter(&env);
    }
    let (until, is_last) = slices::next(timeout, goes_on);
    let spin = spin && !goes_on;
    let ended = slices::with_bell(|bell| park::park(&words, at, expected, &deaths, until, spin, bell));
    slices::over(ended == Some(park::TIMED_OUT));
    match ended {
        Some(park::TIMED_OUT) if !is_last => Ok(park::LOOK),
        Some(ended) => Ok(ended),
        None => Err(out_of_range(&env)),
    }
}

/// Wakes up to `count` sleepers of the word, all of them if it is not given; returns how many.
#[napi]
pub fn wake(env: Env, words: SharedWords, at: Plain<f64>, Plain(count): Plain<Option<u32>>) -> Result<u32> {
    let count = count.map_or(usize::MAX, |count| count as usize);
    let woken = park::wake(&words, index(&env, at)?, count).ok_or_else(|| out_of_range(&env))?;
    Ok(woken as u32)
}

/// Lets the sleepers of the word sleep on at another word, but for one, which is woken, if `wake_one`; returns how many
/// were moved.
#[napi]
pub fn requeue(
    env: Env,
    words: SharedWords,
    from: Plain<f64>,
    to: Plain<f64>,
    Plain(wake_one): Plain<bool>,
) -> Result<u32> {
    let (from, to) = (index(&env, from)?, index(&env, to)?);
    let (_, moved) = park::requeue(&words, from, to, wake_one).ok_or_else(|| out_of_range(&env))?;
    Ok(moved as u32)
}

/// From now on, the end of this thread sets its slot's state from `alive` to `dead`, counts the death and wakes all whose
/// slots say that they sleep. Returns a number for `unwatch`.
#[napi]
#[allow(clippy::too_many_arguments)]
pub fn watch(
    env: Env,
    words: Kept,
    state_at: Plain<f64>,
    Plain(alive): Plain<i32>,
    Plain(dead): Plain<i32>,
    deaths_at: Plain<f64>,
    first_at: Plain<f64>,
    Plain(stride): Plain<u32>,
    Plain(slots): Plain<u32>,
) -> Result<u32> {
    let (state, deaths, first) = (index(&env, state_at)?, index(&env, deaths_at)?, index(&env, first_at)?);
    let seat = Seat { state, alive, dead, deaths, first, stride: stride as usize, slots: slots as usize };
    if !seat.fits(words.words().len()) {
        words.release();
        return Err(out_of_range(&env));
    }
    WATCHES.with_borrow_mut(|watches| {
        if !watches.hooked {
            env.add_env_cleanup_hook((), |()| end_of_thread())?;
            watches.hooked = true;
        }
        watches.last = watches.last.checked_add(1).ok_or_else(|| Error::from_status(Status::GenericFailure))?;
        watches.open.insert(watches.last, Watch { kept: words, seat });
        Ok(watches.last)
    })
}

/// Ends a `watch`.
#[napi]
pub fn unwatch(Plain(number): Plain<u32>) {
    if let Some(watch) = WATCHES.with_borrow_mut(|watches| watches.open.remove(&number)) {
        watch.kept.release();
    }
}

fn end_of_thread() {
    slices::leave();
    // The arrays' references live until the environment frees them, which it does after its hooks.
    let open = WATCHES.with_borrow_mut(|watches| std::mem::take(&mut watches.open));
    for watch in open.values() {
        threads::die(watch.kept.words(), &watch.seat);
    }
}
