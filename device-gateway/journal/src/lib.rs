//! The append-only record of the night: group commit, crash-safe, checked.
