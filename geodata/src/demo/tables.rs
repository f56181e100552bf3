//! CSV as RFC 4180 has it, but with line feeds alone, so that differences are easy to read.

use crate::error::GeodataError;

/// A table being written.
pub(crate) struct Table {
    file: String,
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    /// A table with its header.
    pub fn new(file: &str, header: &[&str]) -> Result<Self, GeodataError> {
        let mut table = Self { file: file.to_owned(), writer: csv::Writer::from_writer(Vec::new()) };
        table.row(header)?;
        Ok(table)
    }

    /// Adds a row, which has as many cells as the header.
    pub fn row(&mut self, cells: &[&str]) -> Result<(), GeodataError> {
        let file = self.file.clone();
        self.writer.write_record(cells).map_err(|source| GeodataError::Table { file, source })
    }

    /// The bytes of the file.
    pub fn finish(self) -> Result<Vec<u8>, GeodataError> {
        let file = self.file;
        self.writer
            .into_inner()
            .map_err(|error| GeodataError::Table { file, source: error.into_error().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_are_quoted() {
        let mut table = Table::new("a.csv", &["x", "y"]).unwrap();
        table.row(&["1, 2", "3"]).unwrap();
        assert_eq!(table.finish().unwrap(), b"x,y\n\"1, 2\",3\n");
    }

    #[test]
    fn a_row_of_another_length_is_an_error_that_names_the_file() {
        let mut table = Table::new("a.csv", &["x", "y"]).unwrap();
        assert!(table.row(&["1"]).unwrap_err().to_string().starts_with("a.csv: "));
    }
}
