//! The native part of holdfast: what JavaScript can't do well or at all. Exports only; see `park` and `threads`.

pub mod bell;
pub mod park;
#[cfg(loom)]
pub mod queue_model;
pub mod threads;
pub mod words;

#[cfg(all(feature = "addon", not(loom)))]
pub mod addon;
#[cfg(all(feature = "addon", not(loom)))]
mod slices;
