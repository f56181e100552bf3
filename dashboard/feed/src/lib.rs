//! Snapshots, deltas, positions, the ring of versions, the publish guard, encoded once.
