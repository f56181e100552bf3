//! History of a count, and the archive of elections.
