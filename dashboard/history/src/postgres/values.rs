//! Values on their way into PostgreSQL and out of it.

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::{Kind, Row, Value};

type Wrong = Box<dyn std::error::Error + Sync + Send>;

/// Milliseconds from 1970 to 2000, from which PostgreSQL counts microseconds.
const EPOCH_MS: i64 = 946_684_800_000;

impl Kind {
    /// The type that holds it.
    pub(crate) fn postgres(self) -> Type {
        match self {
            Self::Int => Type::INT8,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
            Self::Bool => Type::BOOL,
            Self::Time => Type::TIMESTAMPTZ,
        }
    }
}

impl Value {
    /// The type that holds it, where it is a value.
    pub(crate) fn postgres(&self) -> Type {
        match self {
            Self::Null => Type::TEXT,
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
            Self::Bool(_) => Type::BOOL,
            Self::Time(_) => Type::TIMESTAMPTZ,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Wrong> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) => out.put_i64(*number),
            Self::Text(text) => out.put_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.put_slice(bytes),
            Self::Bool(is) => out.put_u8((*is).into()),
            Self::Time(ms) => {
                let us = ms.checked_sub(EPOCH_MS).and_then(|ms| ms.checked_mul(1000));
                out.put_i64(us.ok_or("a moment that PostgreSQL does not have")?);
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA, Type::BOOL, Type::TIMESTAMPTZ].contains(ty)
    }

    to_sql_checked!();
}

/// Milliseconds since 1970, of a moment of PostgreSQL's.
struct Millis(i64);

impl<'a> FromSql<'a> for Millis {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        let us = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(us.div_euclid(1000).saturating_add(EPOCH_MS)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

/// A whole number of any width.
struct Number(i64);

impl<'a> FromSql<'a> for Number {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Wrong> {
        Ok(Self(if *ty == Type::INT4 { i32::from_sql(ty, raw)?.into() } else { i64::from_sql(ty, raw)? }))
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT4, Type::INT8].contains(ty)
    }
}

/// A row of these kinds.
pub(crate) fn row(row: &tokio_postgres::Row, kinds: &[Kind]) -> Result<Row, tokio_postgres::Error> {
    let value = |(at, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Int => row.try_get::<_, Option<Number>>(at)?.map(|number| Value::Int(number.0)),
            Kind::Text => row.try_get::<_, Option<String>>(at)?.map(Value::Text),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map(|bytes| Value::Bytes(bytes.into())),
            Kind::Bool => row.try_get::<_, Option<bool>>(at)?.map(Value::Bool),
            Kind::Time => row.try_get::<_, Option<Millis>>(at)?.map(|moment| Value::Time(moment.0)),
        }
        .unwrap_or(Value::Null))
    };
    kinds.iter().enumerate().map(value).collect()
}
