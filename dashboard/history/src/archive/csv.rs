//! Tables as CSV.

use std::{fs::File, io::BufWriter, path::Path};

use super::{ArchiveError, Writer, columns, wrong};
use crate::{table::Table, value::Row};

/// Writes a table's file.
pub(super) struct CsvWriter {
    table: &'static Table,
    path: std::path::PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl CsvWriter {
    pub(super) fn begin(table: &'static Table, path: &Path) -> Result<Self, ArchiveError> {
        let file = File::create_new(path).map_err(|error| wrong(path, error))?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        let header = table.columns.iter().map(|column| column.name);
        writer.write_record(header).map_err(|error| wrong(path, error))?;
        Ok(Self { table, path: path.to_owned(), writer })
    }
}

impl Writer for CsvWriter {
    fn write(&mut self, rows: &[Row]) -> Result<(), ArchiveError> {
        for row in rows {
            let cells =
                self.table.columns.iter().zip(row).map(|(column, value)| columns::written(column, value));
            self.writer.write_record(cells).map_err(|error| wrong(&self.path, error))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ArchiveError> {
        self.writer.flush().map_err(|error| wrong(&self.path, error))
    }
}

/// Hands on the rows of a table's file.
pub(super) fn read<E: From<ArchiveError>>(
    table: &Table,
    path: &Path,
    each: &mut dyn FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = csv::Reader::from_path(path).map_err(|error| wrong(path, error))?;
    let header = reader.headers().map_err(|error| wrong(path, error))?;
    if !header.iter().eq(table.columns.iter().map(|column| column.name)) {
        return Err(wrong(path, format!("its columns are not {}", table.names())).into());
    }
    for record in reader.records() {
        let record = record.map_err(|error| wrong(path, error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |(column, cell): (&crate::table::Column, &str)| {
            let what = || wrong(path, format!("line {line}: {} cannot be read", column.name));
            columns::read(column, cell).ok_or_else(what)
        };
        let row: Result<Row, ArchiveError> = table.columns.iter().zip(&record).map(cell).collect();
        each(row?)?;
    }
    Ok(())
}
