//! The locks that Rust and C programs use, behind one face each: mutexes, read-write locks, monitors.

use std::cell::UnsafeCell;
use std::sync::{Condvar, Mutex, RwLock};

pub trait Lock: Sync {
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

pub fn mutex(name: &str) -> Box<dyn Lock> {
    match name {
        #[cfg(unix)]
        "pthread" => Box::new(Pthread {
            lock: Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)),
            count: UnsafeCell::new(0),
        }),
        "std" => Box::new(Mutex::new(0)),
        "parking_lot" => Box::new(parking_lot::Mutex::new(0)),
        other => panic!("no mutex {other}"),
    }
}

pub trait ReadWrite: Sync {
    fn read(&self, work: &mut dyn FnMut(&[u64; 2]));
    fn write(&self, work: &mut dyn FnMut(&mut [u64; 2]));
}

impl ReadWrite for RwLock<[u64; 2]> {
    fn read(&self, work: &mut dyn FnMut(&[u64; 2])) {
        work(&RwLock::read(self).unwrap());
    }

    fn write(&self, work: &mut dyn FnMut(&mut [u64; 2])) {
        work(&mut RwLock::write(self).unwrap());
    }
}

impl ReadWrite for parking_lot::RwLock<[u64; 2]> {
    fn read(&self, work: &mut dyn FnMut(&[u64; 2])) {
        work(&parking_lot::RwLock::read(self));
    }

    fn write(&self, work: &mut dyn FnMut(&mut [u64; 2])) {
        work(&mut parking_lot::RwLock::write(self));
    }
}

#[cfg(unix)]
struct PthreadReadWrite {
    lock: Box<UnsafeCell<libc::pthread_rwlock_t>>,
    words: UnsafeCell<[u64; 2]>,
}

// SAFETY: the words are only touched with the lock held, and changed with it held for writing.
#[cfg(unix)]
unsafe impl Sync for PthreadReadWrite {}

#[cfg(unix)]
impl ReadWrite for PthreadReadWrite {
    fn read(&self, work: &mut dyn FnMut(&[u64; 2])) {
        // SAFETY: the lock is initialised and never moves; while it is held for reading nobody writes.
        unsafe {
            assert_eq!(libc::pthread_rwlock_rdlock(self.lock.get()), 0);
            work(&*self.words.get());
            assert_eq!(libc::pthread_rwlock_unlock(self.lock.get()), 0);
        }
    }

    fn write(&self, work: &mut dyn FnMut(&mut [u64; 2])) {
        // SAFETY: as above; while it is held for writing the words are this thread's alone.
        unsafe {
            assert_eq!(libc::pthread_rwlock_wrlock(self.lock.get()), 0);
            work(&mut *self.words.get());
            assert_eq!(libc::pthread_rwlock_unlock(self.lock.get()), 0);
        }
    }
}

pub fn read_write(name: &str) -> Box<dyn ReadWrite> {
    match name {
        #[cfg(unix)]
        "pthread" => Box::new(PthreadReadWrite {
            lock: Box::new(UnsafeCell::new(libc::PTHREAD_RWLOCK_INITIALIZER)),
            words: UnsafeCell::new([0; 2]),
        }),
        "std" => Box::new(RwLock::new([0; 2])),
        "parking_lot" => Box::new(parking_lot::RwLock::new([0; 2])),
        other => panic!("no read-write lock {other}"),
    }
}

/// What the tasks of threads that wait for each other share.
#[derive(Default)]
pub struct State {
    pub permits: u64,
    pub waiting: usize,
    pub turn: u64,
    pub over: bool,
}

pub trait Bells {
    fn one(&self, which: usize);
    fn all(&self, which: usize);
}

/// A lock and two conditions.
pub trait Monitor: Sync + Bells {
    /// With the lock held: waits on the condition `which` until `step` says that it is done.
    fn run(&self, which: usize, step: &mut dyn FnMut(&mut State, &dyn Bells) -> bool);
}

#[derive(Default)]
struct StdMonitor {
    state: Mutex<State>,
    conditions: [Condvar; 2],
}

impl Bells for StdMonitor {
    fn one(&self, which: usize) {
        self.conditions[which].notify_one();
    }

    fn all(&self, which: usize) {
        self.conditions[which].notify_all();
    }
}

impl Monitor for StdMonitor {
    fn run(&self, which: usize, step: &mut dyn FnMut(&mut State, &dyn Bells) -> bool) {
        let mut state = self.state.lock().unwrap();
        while !step(&mut state, self) {
            state = self.conditions[which].wait(state).unwrap();
        }
    }
}

#[derive(Default)]
struct ParkingLotMonitor {
    state: parking_lot::Mutex<State>,
    conditions: [parking_lot::Condvar; 2],
}

impl Bells for ParkingLotMonitor {
    fn one(&self, which: usize) {
        self.conditions[which].notify_one();
    }

    fn all(&self, which: usize) {
        self.conditions[which].notify_all();
    }
}

impl Monitor for ParkingLotMonitor {
    fn run(&self, which: usize, step: &mut dyn FnMut(&mut State, &dyn Bells) -> bool) {
        let mut state = self.state.lock();
        while !step(&mut state, self) {
            self.conditions[which].wait(&mut state);
        }
    }
}

pub fn monitor(name: &str) -> Box<dyn Monitor> {
    match name {
        "std" => Box::new(StdMonitor::default()),
        "parking_lot" => Box::new(ParkingLotMonitor::default()),
        other => panic!("no monitor {other}"),
    }
}
