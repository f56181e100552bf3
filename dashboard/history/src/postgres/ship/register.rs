//! What the database knows of an election before rows are copied, and how far it is.

use tokio_postgres::{Transaction, types::ToSql};

use super::{Connected, Trouble, batch::copy, file::File};
use crate::{
    about::{About, Election},
    table::{REPORT, UNIT},
};

/// How far the database is, and what is added to the file's numbers of versions there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    pub(super) base: i64,
    pub(super) versions: i64,
    pub(super) records: i64,
}

/// Makes the election known to the database, and learns how far the database is.
pub(super) async fn register(
    connected: &mut Connected,
    file: &File,
    about: &About,
    source: &str,
) -> Result<Cursor, Trouble> {
    let (id, all) = (&about.election.id, (-1, i64::MAX));
    let units = file.rows(&UNIT, id, all, u32::MAX).await?;
    let transaction = connected.client.transaction().await?;
    if taken_in(&transaction, about).await? {
        copy(&transaction, &UNIT, &units).await?;
    }
    let sealed = "SELECT sealed_at IS NOT NULL FROM election WHERE id = $1";
    if transaction.query_one(sealed, &[id]).await?.get(0) {
        return Err(Trouble::Sealed(id.clone()));
    }
    let added = transaction
        .execute(
            "INSERT INTO outbox (election, source, base, versions) \
             SELECT $1, $2, coalesce(max(seq), 0), 0 FROM version WHERE election = $1 ON CONFLICT DO NOTHING",
            &[id, &source],
        )
        .await?;
    if added == 1 {
        is_same_run(&transaction, file, about).await?;
    }
    transaction
        .execute("INSERT INTO follower (election, records) VALUES ($1, 0) ON CONFLICT DO NOTHING", &[id])
        .await?;
    let row = transaction
        .query_one(
            "SELECT base, versions, records FROM outbox JOIN follower USING (election) \
             WHERE election = $1 AND source = $2",
            &[id, &source],
        )
        .await?;
    let cursor = Cursor { base: row.get(0), versions: row.get(1), records: row.get(2) };
    transaction.commit().await?;
    let election = id.clone();
    file.ask(move |file| file.settle(&election, cursor.base > 0)).await?;
    Ok(cursor)
}

/// A file that the database does not know must be of the same journal as the one that it does: the last report there
/// stands at the same place here.
async fn is_same_run(transaction: &Transaction<'_>, file: &File, about: &About) -> Result<(), Trouble> {
    let id = &about.election.id;
    let last = "SELECT place, digest FROM report WHERE election = $1 ORDER BY place DESC LIMIT 1";
    let Some(last) = transaction.query_opt(last, &[id]).await? else { return Ok(()) };
    let (place, digest): (i64, Vec<u8>) = (last.get(0), last.get(1));
    let election = id.clone();
    if file.ask(move |file| file.records(&election)).await? < place {
        return Err(Trouble::NotYet);
    }
    let here = file.rows(&REPORT, id, (place - 1, place), 1).await?.pop();
    let here = here.and_then(|mut row| (row.len() > 8).then(|| row.swap_remove(8).into_bytes()));
    if here.is_some_and(|here| here == digest) { Ok(()) } else { Err(Trouble::OtherRun(id.clone())) }
}

/// Puts an election on record in the database; whether it was not there before.
pub(crate) async fn taken_in(
    transaction: &Transaction<'_>,
    about: &About,
) -> Result<bool, tokio_postgres::Error> {
    let sql = "INSERT INTO election (id, name, date, kind, test, precincts, registered, definition) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let About { election, definition } = about;
    let Election { id, name, date, kind, test, precincts, registered, .. } = election;
    let values: [&(dyn ToSql + Sync); 8] = [id, name, date, kind, test, precincts, registered, definition];
    Ok(transaction.execute(sql, &values).await? == 1)
}
