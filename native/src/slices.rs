//! How long a thread sleeps before it comes back to JavaScript, where worker.terminate() can end it: nothing ends a native
//! sleep from outside, but all that Node wants of a thread, its end too, is an event of its event loop.
//!
//! On Linux one thread of this library listens to the event loops of those that sleep, and rings the bell of whose has an
//! event. So their slices are an insurance. A thread whose loop has events while it is awake is not listened to, since each
//! would wake the listener for nothing: its first slice is a short one, and it is listened to for the rest of its sleep.
//! Elsewhere the first 200 ms are short slices.

#![deny(unsafe_code)]

use crate::bell::Bell;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// A little less than 4 ms: Linux looks at its timers every 4 ms anyhow, and a slice that may end before costs each sleep
/// a microsecond, in which the processor's timer is set and set back.
const SHORT: Duration = Duration::from_micros(3750);
const SHORT_SLICES: u32 = 53;
const LONG: Duration = Duration::from_millis(20);

thread_local! {
    /// When the sleep that is cut into slices is over, and how many slices in a row ended because their time was over.
    static SLEEP: Cell<(Option<Instant>, u32)> = const { Cell::new((None, 0)) };
}

/// The end of the next slice of a sleep of `timeout`, which goes on with the last one if `goes_on`; and whether it is the
/// sleep's last slice.
pub fn next(timeout: Duration, goes_on: bool) -> (Instant, bool) {
    let (until, ended) = SLEEP.get();
    let now = Instant::now();
    let until = until.filter(|_| goes_on).unwrap_or_else(|| now + timeout);
    SLEEP.set((Some(until), ended));
    let slice = if listener::listens(goes_on) || ended >= SHORT_SLICES { LONG } else { SHORT };
    (until.min(now + slice), until <= now + slice)
}

/// A slice is over, by its time or otherwise.
pub fn over(by_time: bool) {
    let (until, ended) = SLEEP.get();
    SLEEP.set((until, if by_time { ended.saturating_add(1) } else { 0 }));
}

#[cfg(target_os = "linux")]
mod listener {
    use super::Bell;
    use crate::words::events::{Watched, backend};
    use napi::Env;
    use std::cell::OnceCell;
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
    use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

    const NEVER: u8 = 0;
    const LISTENING: u8 = 1;
    /// There was an event while the thread was awake.
    const BUSY: u8 = 2;

    struct Ear {
        bell: Bell,
        file: i32,
        state: AtomicU8,
    }

    /// The ears of the living by their bells' names. Whoever names a file to Linux holds the lock: a number may be another
    /// file's as soon as its thread is gone from here.
    struct Listener {
        watched: Watched,
        ears: Mutex<HashMap<u64, Arc<Ear>>>,
    }

    static LISTENER: LazyLock<Option<Arc<Listener>>> = LazyLock::new(start);
    static NAMES: AtomicUsize = AtomicUsize::new(1);

    thread_local! {
        /// None: this thread can't be listened to.
        static EAR: OnceCell<Option<Arc<Ear>>> = const { OnceCell::new() };
    }

    impl Listener {
        fn ears(&self) -> MutexGuard<'_, HashMap<u64, Arc<Ear>>> {
            self.ears.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn run(&self) {
            loop {
                let Some(name) = self.watched.next() else { continue };
                let ears = self.ears();
                let Some(ear) = ears.get(&name) else { continue };
                if !ear.bell.ring() {
                    self.watched.ignore(ear.file, name);
                    ear.state.store(BUSY, SeqCst);
                }
            }
        }
    }

    fn start() -> Option<Arc<Listener>> {
        let listener = Arc::new(Listener { watched: Watched::new()?, ears: Mutex::default() });
        let thread = std::thread::Builder::new().name("holdfast".to_owned()).stack_size(1 << 16);
        let its = Arc::clone(&listener);
        thread.spawn(move || its.run()).ok()?;
        Some(listener)
    }

    /// From now on this thread can be listened to. Whoever calls it calls `leave` before the thread's event loop ends.
    pub fn enter(env: &Env) {
        EAR.with(|mine| {
            mine.get_or_init(|| make(env));
        });
    }

    fn make(env: &Env) -> Option<Arc<Ear>> {
        let listener = LISTENER.as_ref()?;
        let file = backend(env)?;
        let bell = Bell::new(NAMES.fetch_add(1, SeqCst));
        let name = bell.name as u64;
        let ear = Arc::new(Ear { bell, file, state: AtomicU8::new(NEVER) });
        let mut ears = listener.ears();
        listener.watched.add(file, name).then(|| ears.insert(name, Arc::clone(&ear)))?;
        Some(ear)
    }

    /// This thread's environment ends, and with it its event loop.
    pub fn leave() {
        EAR.with(|mine| {
            let (Some(Some(ear)), Some(listener)) = (mine.get(), LISTENER.as_ref()) else { return };
            let mut ears = listener.ears();
            if ears.remove(&(ear.bell.name as u64)).is_some() {
                listener.watched.remove(ear.file);
            }
        });
    }

    /// Whether this thread's next slice is listened to; `late`: it has slept for a slice.
    pub fn listens(late: bool) -> bool {
        EAR.with(|mine| {
            let (Some(Some(ear)), Some(listener)) = (mine.get(), LISTENER.as_ref()) else { return false };
            let name = ear.bell.name as u64;
            match ear.state.load(SeqCst) {
                LISTENING => true,
                BUSY if !late => false,
                _ => {
                    let ears = listener.ears();
                    let listens = ears.contains_key(&name) && listener.watched.listen(ear.file, name);
                    ear.state.store(if listens { LISTENING } else { BUSY }, SeqCst);
                    listens
                }
            }
        })
    }

    /// Calls `work` with this thread's bell, if it has one.
    pub fn with_bell<T>(work: impl FnOnce(Option<&Bell>) -> T) -> T {
        EAR.with(|mine| work(mine.get().and_then(Option::as_ref).map(|ear| &ear.bell)))
    }
}

#[cfg(not(target_os = "linux"))]
mod listener {
    use super::Bell;

    pub fn enter(_env: &napi::Env) {}

    pub fn leave() {}

    pub fn listens(_late: bool) -> bool {
        false
    }

    pub fn with_bell<T>(work: impl FnOnce(Option<&Bell>) -> T) -> T {
        work(None)
    }
}

pub use listener::{enter, leave, with_bell};
