//! The real program, run as a person or a script runs it: its answers, its exit statuses, its JSON.

mod demo;
mod import;
mod incident;
mod meet;
mod status;
mod support;
