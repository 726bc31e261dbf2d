//! Photos: what they say of themselves, and their smaller forms.
#![allow(clippy::unwrap_used)]

mod build;
mod clean;
mod forms;
mod said;

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
