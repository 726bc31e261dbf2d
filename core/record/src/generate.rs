//! The seeded generator of realistic records.
