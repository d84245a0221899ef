//! The native part of holdfast: what JavaScript can't do well or at all. Exports only; see `park` and `threads`.

pub mod park;
pub mod threads;
pub mod words;

#[cfg(all(feature = "addon", not(loom)))]
pub mod addon;
