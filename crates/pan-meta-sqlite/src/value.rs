//! The words of `pan-model` as columns.

use pan_engine::meta::{ContentKind, GoneHow, TokenHash};
use pan_model::{
    Blake3, BlobKey, ByteSize, ContentId, Crc32, FsId, Md5, Md5Style, PanPath, PathRules, Rev,
    Timestamp, UserNo,
};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A value on its way to or from a column.
pub(crate) struct Db<T>(pub(crate) T);

/// A number that lies in a column as it is. SQLite's integers are signed;
/// what is beyond them is refused on the way in and corrupt on the way out.
macro_rules! number {
    ($type:ty, $number:ty, |$value:ident| $to:expr, |$stored:ident| $from:expr) => {
        impl ToSql for Db<$type> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let $value = &self.0;
                i64::try_from($to)
                    .map(ToSqlOutput::from)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            }
        }

        impl FromSql for Db<$type> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let stored = value.as_i64()?;
                let out_of_range = || FromSqlError::OutOfRange(stored);
                let $stored = <$number>::try_from(stored).map_err(|_| out_of_range())?;
                $from.map(Db).ok_or_else(out_of_range)
            }
        }
    };
}

number!(u64, u64, |value| *value, |stored| Some(stored));
number!(u32, u32, |value| *value, |stored| Some(stored));
number!(FsId, u64, |value| value.get(), |stored| FsId::from_u64(stored));
number!(UserNo, u32, |value| value.0, |stored| {
    Some(UserNo(stored)).filter(|user| *user <= UserNo::MAX)
});
number!(Rev, u64, |value| value.0, |stored| Some(Rev(stored)));
number!(ByteSize, u64, |value| value.0, |stored| Some(ByteSize(stored)));
number!(Timestamp, i64, |value| value.0, |stored| Some(Timestamp(stored)));
number!(ContentId, i64, |value| value.0, |stored| Some(ContentId(stored)));
number!(Crc32, u32, |value| value.0, |stored| Some(Crc32(stored)));
number!(ContentKind, u8, |value| content_kind_number(*value), |stored| match stored {
    0 => Some(ContentKind::Inline),
    1 => Some(ContentKind::Blobs),
    2 => Some(ContentKind::Superfile),
    _ => None,
});
number!(GoneHow, u8, |value| gone_how_number(*value), |stored| match stored {
    0 => Some(GoneHow::Moved),
    1 => Some(GoneHow::Recycled),
    2 => Some(GoneHow::Purged),
    _ => None,
});

fn content_kind_number(kind: ContentKind) -> u8 {
    match kind {
        ContentKind::Inline => 0,
        ContentKind::Blobs => 1,
        ContentKind::Superfile => 2,
    }
}

fn gone_how_number(how: GoneHow) -> u8 {
    match how {
        GoneHow::Moved => 0,
        GoneHow::Recycled => 1,
        GoneHow::Purged => 2,
    }
}

/// A digest or a key: so many raw bytes, neither more nor less.
macro_rules! raw_bytes {
    ($type:ty, |$value:ident| $to:expr, |$stored:ident| $from:expr) => {
        impl ToSql for Db<$type> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let $value = &self.0;
                Ok($to)
            }
        }

        impl FromSql for Db<$type> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let $stored = value.as_blob()?;
                $from.map(Db).ok_or(FromSqlError::InvalidType)
            }
        }
    };
}

raw_bytes!(Md5, |value| value.0.as_slice().into(), |stored| Md5::from_slice(stored));
raw_bytes!(Blake3, |value| value.0.as_slice().into(), |stored| Blake3::from_slice(stored));
raw_bytes!(TokenHash, |value| value.as_slice().into(), |stored| stored.try_into().ok());
raw_bytes!(BlobKey, |value| value.to_bytes().to_vec().into(), |stored| stored
    .try_into()
    .ok()
    .map(BlobKey::from_bytes));

/// A value that lies in a column as text.
macro_rules! word {
    ($type:ty, |$stored:ident| $from:expr) => {
        impl ToSql for Db<$type> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.0.as_str().into())
            }
        }

        impl FromSql for Db<$type> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let $stored = value.as_str()?;
                $from.map(Db).ok_or(FromSqlError::InvalidType)
            }
        }
    };
}

word!(PathRules, |stored| PathRules::parse(stored));
word!(Md5Style, |stored| Md5Style::parse(stored));
word!(PanPath, |stored| PanPath::parse_existing(stored).ok());

impl ToSql for Db<&PanPath> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_str().into())
    }
}

/// How far a user's fs_ids lie from the next user's.
pub(crate) fn ids_per_user() -> u64 {
    FsId::root(UserNo(1)).get()
}

/// A limit or an offset for SQLite, whose largest number is as good as none.
pub(crate) fn at_most(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
