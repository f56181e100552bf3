//! Tables as Apache Parquet, column by column.

use std::{fs::File, path::Path, path::PathBuf, sync::Arc};

use parquet::{
    basic::Compression,
    column::{
        reader::{ColumnReader, ColumnReaderImpl},
        writer::ColumnWriter,
    },
    data_type::{ByteArray, DataType},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    schema::parser::parse_message_type,
};

use super::{ArchiveError, Writer, wrong};
use crate::{
    table::{Column, Table},
    value::{Kind, Row, Value},
};

/// Writes a table's file.
pub(super) struct ParquetWriter {
    table: &'static Table,
    path: PathBuf,
    writer: SerializedFileWriter<File>,
}

impl ParquetWriter {
    pub(super) fn begin(table: &'static Table, path: &Path) -> Result<Self, ArchiveError> {
        let file = File::create_new(path).map_err(|error| wrong(path, error))?;
        let schema = parse_message_type(&schema(table)).map_err(|error| wrong(path, error))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        let writer = writer.map_err(|error| wrong(path, error))?;
        Ok(Self { table, path: path.to_owned(), writer })
    }

    fn group(&mut self, rows: &[Row]) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for at in 0..self.table.columns.len() {
            let Some(mut column) = group.next_column()? else { break };
            write_column(column.untyped(), &self.table.columns[at], rows.iter().map(|row| &row[at]))?;
            column.close()?;
        }
        group.close().map(drop)
    }
}

impl Writer for ParquetWriter {
    fn write(&mut self, rows: &[Row]) -> Result<(), ArchiveError> {
        let written = if rows.is_empty() { Ok(()) } else { self.group(rows) };
        written.map_err(|error| wrong(&self.path, error))
    }

    fn finish(self: Box<Self>) -> Result<(), ArchiveError> {
        self.writer.close().map(drop).map_err(|error| wrong(&self.path, error))
    }
}

fn schema(table: &Table) -> String {
    let columns = table.columns.iter().map(|Column { name, kind, optional }| {
        let need = if *optional { "optional" } else { "required" };
        let of = match kind {
            Kind::Int => format!("int64 {name}"),
            Kind::Text => format!("binary {name} (STRING)"),
            Kind::Bytes => format!("binary {name}"),
            Kind::Bool => format!("boolean {name}"),
            Kind::Time => format!("int64 {name} (TIMESTAMP(MILLIS,true))"),
        };
        format!("{need} {of};")
    });
    format!("message {} {{ {} }}", table.name, columns.collect::<Vec<_>>().join(" "))
}

fn write_column<'a>(
    writer: &mut ColumnWriter<'_>,
    column: &Column,
    values: impl Iterator<Item = &'a Value>,
) -> Result<(), ParquetError> {
    let (mut levels, mut numbers, mut bools, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(*value != Value::Null));
        match value {
            Value::Null => {}
            Value::Int(number) | Value::Time(number) => numbers.push(*number),
            Value::Bool(is) => bools.push(*is),
            Value::Text(text) => bytes.push(ByteArray::from(text.as_str())),
            Value::Bytes(of) => bytes.push(ByteArray::from(of.to_vec())),
        }
    }
    let levels = column.optional.then_some(&levels[..]);
    match writer {
        ColumnWriter::Int64ColumnWriter(of) => of.write_batch(&numbers, levels, None),
        ColumnWriter::BoolColumnWriter(of) => of.write_batch(&bools, levels, None),
        ColumnWriter::ByteArrayColumnWriter(of) => of.write_batch(&bytes, levels, None),
        _ => Err(ParquetError::General(format!("column {} is of another type", column.name))),
    }
    .map(drop)
}

/// Hands on the rows of a table's file.
pub(super) fn read<E: From<ArchiveError>>(
    table: &Table,
    path: &Path,
    each: &mut dyn FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let told = |error: ParquetError| wrong(path, error);
    let file = File::open(path).map_err(|error| wrong(path, error))?;
    let reader = SerializedFileReader::new(file).map_err(told)?;
    let fields = reader.metadata().file_metadata().schema().get_fields();
    if !fields.iter().map(|field| field.name()).eq(table.columns.iter().map(|column| column.name)) {
        return Err(wrong(path, format!("its columns are not {}", table.names())).into());
    }
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(told)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
        let mut columns = Vec::new();
        for (at, column) in table.columns.iter().enumerate() {
            let reader = group.get_column_reader(at).map_err(told)?;
            columns.push(read_column(reader, column, rows).map_err(told)?.into_iter());
        }
        for _ in 0..rows {
            let row: Option<Row> = columns.iter_mut().map(Iterator::next).collect();
            each(row.ok_or_else(|| wrong(path, "a column is shorter than the others"))?)?;
        }
    }
    Ok(())
}

fn read_column(reader: ColumnReader, column: &Column, rows: usize) -> Result<Vec<Value>, ParquetError> {
    let unfit = || ParquetError::General(format!("column {} is of another type", column.name));
    let text = |bytes: ByteArray| {
        let text = String::from_utf8(bytes.data().to_vec());
        text.map(Value::Text).map_err(|_| ParquetError::General(format!("column {} is no text", column.name)))
    };
    match (reader, column.kind) {
        (ColumnReader::Int64ColumnReader(of), Kind::Int) => values(of, column, rows, |of| Ok(Value::Int(of))),
        (ColumnReader::Int64ColumnReader(of), Kind::Time) => {
            values(of, column, rows, |of| Ok(Value::Time(of)))
        }
        (ColumnReader::BoolColumnReader(of), Kind::Bool) => {
            values(of, column, rows, |of| Ok(Value::Bool(of)))
        }
        (ColumnReader::ByteArrayColumnReader(of), Kind::Text) => values(of, column, rows, text),
        (ColumnReader::ByteArrayColumnReader(of), Kind::Bytes) => {
            values(of, column, rows, |of| Ok(Value::Bytes(of.data().to_vec().into())))
        }
        _ => Err(unfit()),
    }
}

fn values<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    column: &Column,
    rows: usize,
    value: impl Fn(T::T) -> Result<Value, ParquetError>,
) -> Result<Vec<Value>, ParquetError> {
    let (mut found, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let levels = column.optional.then_some(&mut levels);
        let (records, _, _) = reader.read_records(rows - read, levels, None, &mut found)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    let mut found = found.into_iter().map(value);
    if !column.optional {
        return found.collect();
    }
    levels
        .iter()
        .map(|level| if *level == 0 { Ok(Value::Null) } else { found.next().unwrap_or(Ok(Value::Null)) })
        .collect()
}
