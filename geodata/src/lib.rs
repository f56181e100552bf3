//! Base layers, and precinct areas and districts derived from them reproducibly.
