//! Rows that the database refuses.

use tokio_postgres::{Transaction, error::SqlState};

use crate::{
    table::Table,
    value::{Row, Value},
};

/// Longest reason that is kept with a row that was refused, characters.
const REASON: usize = 1_000;

/// Whether an error is about what a row holds, not about the database: another attempt would end in the same way.
pub(super) fn is_about_a_row(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // What cannot be put into PostgreSQL's own form, such as a moment before its first.
        return error.to_string().starts_with("error serializing");
    };
    // Data exceptions, broken constraints, limits of the program such as the longest row.
    ["22", "23", "54"].iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::DATATYPE_MISMATCH
}

/// A row that the database refused.
pub(super) struct Refused {
    pub(super) table: &'static str,
    pub(super) place: i64,
    pub(super) reason: String,
    pub(super) content: String,
}

pub(super) async fn bury(
    transaction: &Transaction<'_>,
    table: &'static Table,
    row: &Row,
    reason: &str,
) -> Result<Refused, tokio_postgres::Error> {
    let election = row[0].clone().into_text();
    let place = row[1].number();
    // What is refused for a character is not refused again for the reason that names it.
    let reason: String = reason.chars().filter(|letter| *letter != '\0').take(REASON).collect();
    let content = written(table, row);
    transaction
        .execute(
            "INSERT INTO dead_letter (election, of, place, reason, content) VALUES ($1, $2, $3, $4, $5)",
            &[&election, &table.name, &place, &reason, &content],
        )
        .await?;
    Ok(Refused { table: table.name, place, reason, content })
}

/// A row as JSON, bytes in hex.
fn written(table: &Table, row: &Row) -> String {
    let value = |value: &Value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(number) | Value::Time(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        Value::Bool(is) => (*is).into(),
    };
    let members = table.columns.iter().zip(row).map(|(column, of)| (column.name.to_owned(), value(of)));
    serde_json::Value::Object(members.collect()).to_string()
}
