//! Base layers, and precinct areas and districts derived from them reproducibly.
//!
//! The way from the base layers to the files of the demonstration election:
//! - [`base_layer`]: what every map draws beneath its areas;
//! - `raions`: the raions mended into one exact tiling (`noding`, `planar`, `tiling`, `simplify`);
//! - `places`, `outskirts`, `cells`: polling places and the areas around them;
//! - `voters`, `districts`: who votes where;
//! - `demo`: the files.
//!
//! [`check_boundaries`] checks the areas that an election office brings itself.

mod apportion;
mod base;
mod cells;
mod check;
mod demo;
mod districts;
mod error;
mod grid;
mod noding;
mod outskirts;
mod places;
mod planar;
mod raions;
mod seed;
mod simplify;
mod tiling;
mod voters;

pub use base::base_layer;
pub use check::{MAX_LAYER_BYTES, MAX_POSITIONS, check_boundaries};
pub use demo::{ElectionFile, Variant, derive_demo, derive_variant};
pub use error::GeodataError;
