//! What can go wrong while areas are derived.

/// Why the demonstration election could not be derived.
#[derive(Debug, thiserror::Error)]
pub enum GeodataError {
    /// A base layer is not the GeoJSON it is taken for.
    #[error("base layer {layer}: {reason}")]
    BaseLayer {
        /// File name without its suffix.
        layer: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Snap rounding does not settle.
    #[error("the boundaries do not become planar: simplify the layer first")]
    NotPlanar,
    /// An area has no place for something that belongs in it.
    #[error("{what} finds no place in {area}")]
    NoRoom {
        /// What is to be placed.
        what: String,
        /// Where.
        area: String,
    },
    /// An area lies apart from everything it could be joined to.
    #[error("{count} areas touch nothing that they could be joined to")]
    Stranded {
        /// How many.
        count: usize,
    },
    /// Districts within their limits were not found.
    #[error("region {region}: no {districts} contiguous districts within {limit} % of the mean were found")]
    Unbalanced {
        /// The region's id.
        region: String,
        /// How many districts were asked for.
        districts: usize,
        /// The limit, in percent.
        limit: u32,
    },
    /// A table could not be written.
    #[error("{file}: {source}")]
    Table {
        /// The file's name.
        file: String,
        /// What the writer says.
        source: csv::Error,
    },
}
