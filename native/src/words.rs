//! All unsafe code of the crate: shared words behind a raw pointer, the way they come in from JavaScript, the queue of
//! sleeping threads, and the events of Node's event loops.
//!
//! The argument, once for the whole file:
//!
//! - `SharedWords` is a base address and a length of a memory that several threads write at any time. It is never turned
//!   into a `&[i32]`, which would promise that nobody writes; a word is only ever seen as an `&AtomicI32`, whose every
//!   access is atomic, as those of JavaScript's `Atomics` are. Bounds are checked in `cell`, alignment and sharedness
//!   where the pointer comes in.
//! - How long the memory lives: a `SharedWords` from JavaScript is an argument of a call, and the caller's typed array
//!   holds the memory until the call returns; nothing keeps one longer but a `Kept`, which holds the array by a
//!   reference of its own. Growth of a shared memory never moves it and never makes it shorter.
//! - The queue's keys are addresses that are never read through. The queue is a static of this library, so nobody else's
//!   keys are in it; the closures given to it only load words, and neither panic nor call the queue again.
//! - `events` hands numbers of files to Linux and gets numbers back: a wrong one is an error, never a fault. What is called
//!   in the process is `uv_backend_fd`, a part of Node's stable interface, with the loop that Node gave for the purpose.

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicI32, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
pub use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering, fence};

/// Words of a shared memory.
pub struct SharedWords {
    start: *const AtomicI32,
    length: usize,
}

impl SharedWords {
    /// The words of a slice, for tests and programs without JavaScript. The slice must outlive the words, which its
    /// callers see to by keeping both in one scope.
    pub fn over(words: &'static [AtomicI32]) -> Self {
        Self { start: words.as_ptr(), length: words.len() }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The word at this index, if there is one.
    pub fn cell(&self, index: usize) -> Option<&AtomicI32> {
        // SAFETY: within bounds of a live, aligned memory that is only accessed atomically (see above).
        (index < self.length).then(|| unsafe { &*self.start.add(index) })
    }

    /// The address under which sleepers of a word queue. It is not read through, so it may lie beyond these words.
    pub fn key(&self, index: usize) -> usize {
        self.start.addr().wrapping_add(index.wrapping_mul(size_of::<AtomicI32>()))
    }
}

/// How a sleep in the queue ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    Woken,
    TimedOut,
    /// The check under the queue's lock said no: there was no sleep.
    Refused,
    /// The time was up after the sleeper had been moved to another word.
    Moved,
    /// Woken by `wake_thread`: no waker of the word has spent a wake on it.
    Called,
}

/// Threads asleep, by key.
#[cfg(not(loom))]
pub mod queue {
    use super::Slept;
    use parking_lot_core::{
        DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, RequeueOp, UnparkToken, park, unpark_all, unpark_filter,
        unpark_one, unpark_requeue,
    };
    use std::time::Instant;

    /// What a thread is told that was woken for its own sake.
    const CALLED: UnparkToken = UnparkToken(1);

    /// Sleeps until woken or `deadline`, if `may_sleep` holds. It is asked under the lock that a waker takes as well:
    /// whoever changes what it looks at and then wakes is never missed. `thread` is what `wake_thread` finds it by.
    pub fn sleep(key: usize, thread: usize, may_sleep: impl FnOnce() -> bool, deadline: Instant) -> Slept {
        let mut moved = false;
        // SAFETY: see the top of the file; the closures neither panic nor call the queue.
        let result =
            unsafe { park(key, may_sleep, || (), |at, _| moved = at != key, ParkToken(thread), Some(deadline)) };
        match result {
            ParkResult::Unparked(CALLED) => Slept::Called,
            ParkResult::Unparked(_) => Slept::Woken,
            ParkResult::Invalid => Slept::Refused,
            ParkResult::TimedOut => {
                if moved {
                    Slept::Moved
                } else {
                    Slept::TimedOut
                }
            }
        }
    }

    /// Wakes up to `count` sleepers, the longest asleep first; returns how many.
    pub fn wake(key: usize, count: usize) -> usize {
        // SAFETY: see the top of the file; the closures neither panic nor call the queue.
        unsafe {
            match count {
                0 => 0,
                1 => unpark_one(key, |_| DEFAULT_UNPARK_TOKEN).unparked_threads,
                usize::MAX => unpark_all(key, DEFAULT_UNPARK_TOKEN),
                _ => {
                    let mut left = count;
                    let pick = |_| {
                        if left == 0 {
                            return FilterOp::Stop;
                        }
                        left -= 1;
                        FilterOp::Unpark
                    };
                    unpark_filter(key, pick, |_| DEFAULT_UNPARK_TOKEN).unparked_threads
                }
            }
        }
    }

    /// Wakes the sleeper of the key that is called `thread`, if it is there.
    pub fn wake_thread(key: usize, thread: usize) {
        let mut found = false;
        let pick = |ParkToken(other)| {
            if found {
                return FilterOp::Stop;
            }
            found = other == thread;
            if found { FilterOp::Unpark } else { FilterOp::Skip }
        };
        // SAFETY: see the top of the file; the closures neither panic nor call the queue.
        unsafe { unpark_filter(key, pick, |_| CALLED) };
    }

    /// Wakes one sleeper of `from` if `wake_one`, and moves the others to `to`; returns how many were woken and moved.
    pub fn requeue(from: usize, to: usize, wake_one: bool) -> (usize, usize) {
        let how = if wake_one { RequeueOp::UnparkOneRequeueRest } else { RequeueOp::RequeueAll };
        // SAFETY: see the top of the file; the closures neither panic nor call the queue.
        let result = unsafe { unpark_requeue(from, to, || how, |_, _| DEFAULT_UNPARK_TOKEN) };
        (result.unparked_threads, result.requeued_threads)
    }
}

#[cfg(loom)]
pub use crate::queue_model as queue;

#[cfg(all(feature = "addon", not(loom)))]
mod addon {
    use super::{AtomicI32, SharedWords};
    use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
    use napi::{Error, Result, Status, ValueType, sys};
    use std::ptr::{null, null_mut};

    impl TypeName for SharedWords {
        fn type_name() -> &'static str {
            "Int32Array"
        }

        fn value_type() -> ValueType {
            ValueType::Object
        }
    }

    impl ValidateNapiValue for SharedWords {}

    impl FromNapiValue for SharedWords {
        /// Takes an aligned Int32Array over a SharedArrayBuffer, and nothing else: TypeError.
        unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
            let (mut kind, mut length, mut data, mut buffer) = (0, 0, null_mut(), null_mut());
            // SAFETY: env and value come from the running call, and the pointers are to locals or null, which says that the
            // offset is not asked for. Of a value that is no typed array nothing is told.
            let told = unsafe {
                let offset = null_mut();
                sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, &mut buffer, offset)
            };
            if told != sys::Status::napi_ok || kind != sys::TypedarrayType::int32_array {
                return Err(type_error(env, c"an Int32Array is needed"));
            }
            let mut is_private = true;
            // SAFETY: as above. It is true of an ArrayBuffer only, not of a SharedArrayBuffer.
            let asked = unsafe { sys::napi_is_arraybuffer(env, buffer, &mut is_private) };
            if asked != sys::Status::napi_ok || is_private {
                return Err(type_error(env, c"the Int32Array must be over a SharedArrayBuffer"));
            }
            let start = data.cast::<AtomicI32>();
            if length == 0 || start.is_null() {
                return Ok(Self { start: std::ptr::dangling(), length: 0 });
            }
            if !start.is_aligned() {
                return Err(type_error(env, c"the Int32Array's memory is not aligned"));
            }
            Ok(Self { start, length })
        }
    }

    /// Throws a TypeError; the error given back says that it is thrown already.
    fn type_error(env: sys::napi_env, message: &std::ffi::CStr) -> Error {
        // SAFETY: env is that of the running call, the message ends in a zero byte.
        unsafe { sys::napi_throw_type_error(env, null(), message.as_ptr()) };
        Error::from_status(Status::PendingException)
    }

    /// What an index that is none of the words is answered with.
    pub fn out_of_range(env: &napi::Env) -> Error {
        type_error(env.raw(), c"the index is not one of the words")
    }

    /// An argument that is a number, a truth value and so on: TypeError for anything else.
    pub struct Plain<T>(pub T);

    impl<T: FromNapiValue> FromNapiValue for Plain<T> {
        unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
            // SAFETY: what this function is promised is what that one is.
            let plain = unsafe { T::from_napi_value(env, value) };
            plain.map(Self).map_err(|_| type_error(env, c"an argument is of another type"))
        }
    }

    impl<T> TypeName for Plain<T> {
        fn type_name() -> &'static str {
            "Plain"
        }

        fn value_type() -> ValueType {
            ValueType::Unknown
        }
    }

    impl<T: FromNapiValue> ValidateNapiValue for Plain<T> {}

    /// Words that are kept beyond the call that they came in by: a reference holds the array, and so the memory.
    pub struct Kept {
        words: SharedWords,
        env: sys::napi_env,
        reference: sys::napi_ref,
    }

    impl FromNapiValue for Kept {
        unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
            // SAFETY: what this function is promised is what that one is.
            let words = unsafe { SharedWords::from_napi_value(env, value) }?;
            let mut reference = null_mut();
            // SAFETY: value is an object of the running call.
            let made = unsafe { sys::napi_create_reference(env, value, 1, &mut reference) };
            if made != sys::Status::napi_ok {
                return Err(Error::from_reason("no reference could be made"));
            }
            Ok(Self { words, env, reference })
        }
    }

    impl TypeName for Kept {
        fn type_name() -> &'static str {
            "Int32Array"
        }

        fn value_type() -> ValueType {
            ValueType::Object
        }
    }

    impl ValidateNapiValue for Kept {}

    impl Kept {
        pub fn words(&self) -> &SharedWords {
            &self.words
        }

        /// Lets the array go. Not by `Drop`: a thread's locals may be dropped when its environment is gone, which has
        /// freed all references itself.
        pub fn release(self) {
            // SAFETY: called by the thread of `env` while it runs; the reference is deleted once, as self is gone.
            unsafe { sys::napi_delete_reference(self.env, self.reference) };
        }
    }
}

#[cfg(all(feature = "addon", not(loom)))]
pub use addon::{Kept, Plain, out_of_range};

/// Numbers of files that tell of events, on Linux.
#[cfg(all(feature = "addon", not(loom), target_os = "linux"))]
pub mod events {
    use libc::{EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET, EPOLLIN, RTLD_DEFAULT};
    use napi::{Env, sys};
    use std::ffi::{c_int, c_void};
    use std::ptr::null_mut;

    /// The file by which the event loop of this environment learns of events; it lives until the environment's hooks have
    /// run.
    pub fn backend(env: &Env) -> Option<c_int> {
        let mut event_loop = null_mut();
        // SAFETY: env is that of the running call, the name ends in a zero byte.
        let (told, found) = unsafe {
            (
                sys::napi_get_uv_event_loop(env.raw(), &mut event_loop),
                libc::dlsym(RTLD_DEFAULT, c"uv_backend_fd".as_ptr()),
            )
        };
        if told != sys::Status::napi_ok || found.is_null() {
            return None;
        }
        // SAFETY: libuv declares it as int uv_backend_fd(const uv_loop_t*), which reads a field of the loop.
        let file = unsafe {
            let backend_fd: unsafe extern "C" fn(*const c_void) -> c_int = std::mem::transmute(found);
            backend_fd(event_loop.cast())
        };
        (file >= 0).then_some(file)
    }

    /// Files that are watched at once (epoll).
    pub struct Watched(c_int);

    impl Watched {
        pub fn new() -> Option<Self> {
            // SAFETY: numbers only.
            let file = unsafe { libc::epoll_create1(EPOLL_CLOEXEC) };
            (file >= 0).then_some(Self(file))
        }

        fn control(&self, how: c_int, file: c_int, events: c_int, name: u64) -> bool {
            let mut event = libc::epoll_event { events: events as u32, u64: name };
            // SAFETY: the event is read during the call only.
            unsafe { libc::epoll_ctl(self.0, how, file, &mut event) == 0 }
        }

        /// Takes a file in that tells nothing yet.
        pub fn add(&self, file: c_int, name: u64) -> bool {
            self.control(EPOLL_CTL_ADD, file, 0, name)
        }

        /// From now on it tells of what is there, once, and of each event that comes.
        pub fn listen(&self, file: c_int, name: u64) -> bool {
            self.control(EPOLL_CTL_MOD, file, EPOLLIN | EPOLLET, name)
        }

        pub fn ignore(&self, file: c_int, name: u64) {
            self.control(EPOLL_CTL_MOD, file, 0, name);
        }

        pub fn remove(&self, file: c_int) {
            self.control(EPOLL_CTL_DEL, file, 0, 0);
        }

        /// Blocks until a file tells of an event, and returns its name; none for nothing, after a signal.
        pub fn next(&self) -> Option<u64> {
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: there is room for the one event that is asked for.
            let told = unsafe { libc::epoll_wait(self.0, &mut event, 1, -1) };
            (told == 1).then_some(event.u64)
        }
    }
}
