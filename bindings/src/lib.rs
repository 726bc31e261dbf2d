//! What the Android and iOS shells will call: objects, errors and ports over [`firsthand_node`], no logic.
//!
//! There are no objects yet; the crate stands here so that its place in the workspace and its dependencies are fixed.
