//! Batches: what goes to the database in one transaction, and how.

use std::pin::pin;

use tokio::time::timeout;
use tokio_postgres::{
    Transaction,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{
    BATCH, Session, Trouble,
    refused::{Refused, bury, is_about_a_row},
};
use crate::{
    postgres::plain,
    progress::Progress,
    table::{DECISION, OBSERVATION, REPORT, STATE, Table, VERSION},
    value::{Row, Value},
};

/// Versions in one batch, and about how many units of them.
const VERSIONS: u32 = 500;
const STATES: u32 = 20_000;
/// Records of the journal in one batch.
const RECORDS: i64 = 5_000;

/// Rows of some tables, and which cursor they move from where to where.
pub(super) struct Batch {
    parts: Vec<(&'static Table, Vec<Row>)>,
    moves: &'static str,
    from: i64,
    pub(super) to: i64,
}

impl Session<'_> {
    /// Whole versions with their units, from behind the cursor.
    pub(super) async fn versions(&self) -> Result<Option<Batch>, Trouble> {
        let (election, from) = (&self.shipping.election, self.cursor.versions);
        let mut versions = self.file.rows(&VERSION, election, (from, i64::MAX), VERSIONS).await?;
        let Some(mut to) = versions.last().map(|row| row[1].number()) else { return Ok(None) };
        let mut states = self.file.rows(&STATE, election, (from, to), STATES).await?;
        if states.len() >= STATES as usize
            && let Some(cut) = states.last().map(|row| row[1].number())
        {
            // The last version may be there in part: it comes whole with the next batch, or alone with this one.
            let first = versions[0][1].number();
            to = if cut > first { cut - 1 } else { first };
            states = self.file.rows(&STATE, election, (from, to), u32::MAX).await?;
            versions.retain(|row| row[1].number() <= to);
        }
        for row in versions.iter_mut().chain(&mut states) {
            row[1] = Value::Int(row[1].number() + self.cursor.base);
        }
        Ok(Some(Batch {
            parts: vec![(&VERSION, versions), (&STATE, states)],
            moves: VERSIONS_MOVE,
            from,
            to,
        }))
    }

    pub(super) async fn records(&self) -> Result<Option<Batch>, Trouble> {
        let (election, from) = (self.shipping.election.clone(), self.cursor.records);
        let there = self.file.ask(move |file| file.records(&election)).await?;
        let to = there.min(from + RECORDS);
        if to <= from {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for table in [&REPORT, &DECISION, &OBSERVATION] {
            let rows = self.file.rows(table, &self.shipping.election, (from, to), u32::MAX).await?;
            parts.push((table, rows));
        }
        Ok(Some(Batch { parts, moves: RECORDS_MOVE, from, to }))
    }

    /// Copies a batch; how many rows that were. A row that the database refuses goes to the dead letters, the rest through.
    pub(super) async fn send(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        match timeout(BATCH, self.send_whole(batch)).await {
            Err(_) => Err(Trouble::Silent),
            Ok(Err(Trouble::Database(error))) if is_about_a_row(&error) => {
                timeout(BATCH, self.send_carefully(batch)).await.map_err(|_| Trouble::Silent)?
            }
            Ok(sent) => sent,
        }
    }

    async fn send_whole(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        let (election, source) = (&self.shipping.election, &self.source);
        let transaction = self.connected.client.transaction().await?;
        advance(&transaction, batch, election, source).await?;
        let mut rows = 0;
        for (table, part) in &batch.parts {
            copy(&transaction, table, part).await?;
            rows += part.len();
        }
        transaction.commit().await?;
        Ok(rows)
    }

    async fn send_carefully(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        let (election, source) = (&self.shipping.election, &self.source);
        let mut transaction = self.connected.client.transaction().await?;
        advance(&transaction, batch, election, source).await?;
        let (mut rows, mut refused) = (0, Vec::new());
        for (table, part) in &batch.parts {
            rows += part.len();
            // Halves of halves, until a row stands alone.
            let mut spans = vec![(0, part.len())];
            while let Some((from, to)) = spans.pop() {
                let attempt = transaction.savepoint("part").await?;
                match copy(&attempt, table, &part[from..to]).await {
                    Ok(()) => attempt.commit().await?,
                    Err(error) if is_about_a_row(&error) => {
                        attempt.rollback().await?;
                        if to - from > 1 {
                            let middle = from + (to - from) / 2;
                            spans.extend([(middle, to), (from, middle)]);
                        } else {
                            refused.push(bury(&transaction, table, &part[from], &plain(&error)).await?);
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        transaction.commit().await?;
        let progress = &self.shipping.progress;
        Progress::add(&progress.dead_letters, refused.len());
        for Refused { table, place, reason, content } in refused {
            tracing::error!(
                table,
                place,
                reason,
                "a row of the history was refused: it is among the dead letters"
            );
            let election = election.clone();
            self.file.ask(move |file| file.bury((&election, table, place), &reason, &content)).await?;
        }
        Ok(rows)
    }
}

const VERSIONS_MOVE: &str =
    "UPDATE outbox SET versions = $4 WHERE election = $1 AND source = $2 AND versions = $3";
const RECORDS_MOVE: &str =
    "UPDATE follower SET records = $4 WHERE election = $1 AND $2 <> '' AND records = $3";

/// Moves the cursor first: whoever else would do the same waits, and then finds it moved.
async fn advance(
    transaction: &Transaction<'_>,
    batch: &Batch,
    election: &str,
    source: &str,
) -> Result<(), Trouble> {
    let typed: [(&(dyn ToSql + Sync), Type); 4] =
        [(&election, Type::TEXT), (&source, Type::TEXT), (&batch.from, Type::INT8), (&batch.to, Type::INT8)];
    let moved = transaction.execute_typed(batch.moves, &typed).await?;
    if moved == 1 { Ok(()) } else { Err(Trouble::TwoAtOnce) }
}

/// Copies rows into a table.
pub(crate) async fn copy(
    transaction: &Transaction<'_>,
    table: &Table,
    rows: &[Row],
) -> Result<(), tokio_postgres::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, table.names());
    let types: Vec<Type> = table.columns.iter().map(|column| column.kind.postgres()).collect();
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&sql).await?, &types));
    for row in rows {
        writer.as_mut().write_raw(row).await?;
    }
    writer.finish().await.map(drop)
}
