//! All rows as plain values, and back.

use std::ops::ControlFlow;

use pan_engine::meta::{ContentKind, DUMP_TABLES, DumpTable, DumpValue, NewContent};
use pan_engine::{EngineError, MetaTxn};
use pan_engine::{MetaStore, MetaStoreExt, ReadCost, Scope};
use pan_model::{FsId, UserNo};

use super::given::{content, directory, file, fingerprint, insert, read, user, write};

type Rows = Vec<Vec<DumpValue>>;

fn table(name: &str) -> &'static DumpTable {
    DumpTable::find(name).unwrap()
}

/// All rows of a table, in windows of this size.
async fn scan(store: &dyn MetaStore, table: &'static DumpTable, limit: u64) -> Rows {
    let mut rows: Rows = Vec::new();
    loop {
        let after = rows.last().map(|row| row[..table.key_columns].to_vec());
        let window: Rows = store
            .read::<_, EngineError, _>(ReadCost::Long, move |read| {
                let mut window = Vec::new();
                read.scan_rows(table, after.as_deref(), limit, &mut |row| {
                    window.push(row);
                    ControlFlow::Continue(())
                })?;
                Ok(window)
            })
            .await
            .unwrap();
        assert!(window.len() as u64 <= limit);
        if window.is_empty() {
            return rows;
        }
        rows.extend(window);
    }
}

async fn some_rows(store: &dyn MetaStore) -> UserNo {
    let user = user(store, "a").await;
    write(store, user, move |tx| {
        for name in ["b", "照片", "c"] {
            let file = file(tx, FsId::root(user), name)?;
            insert(tx, file)?;
        }
        let made = directory(tx, FsId::root(user), "d")?;
        insert(tx, made)?;
        let small = content(tx, b"\0\xffsmall")?;
        let whole = NewContent { fingerprint: fingerprint(14, 3), kind: ContentKind::Superfile };
        let whole = tx.insert_content(&whole)?;
        for seq in 0..12 {
            tx.insert_part(whole, seq, small)?;
        }
        tx.set_damaged(small, true)?;
        tx.put_setting("name", b"\0value")
    })
    .await;
    user
}

/// Every row once, in the order of its key, in columns of the right kind.
pub async fn rows_are_scanned_in_order_of_their_keys(store: &dyn MetaStore) {
    some_rows(store).await;
    for table in DUMP_TABLES {
        let count = read(store, move |snapshot| snapshot.count_rows(table)).await;
        let rows = scan(store, table, 100).await;
        assert_eq!(rows.len() as u64, count, "{}", table.name);
        for row in &rows {
            assert_eq!(row.len(), table.columns.len(), "{}", table.name);
            for (value, column) in row.iter().zip(table.columns) {
                assert!(column.takes(value), "{}.{}: {value:?}", table.name, column.name);
            }
        }
        for limit in [1, 5] {
            assert_eq!(scan(store, table, limit).await, rows, "{} by {limit}", table.name);
        }
    }
    let seqs = scan(store, table("part"), 5).await;
    let seqs: Vec<_> = seqs.iter().map(|row| row[1].clone()).collect();
    assert_eq!(seqs, (0..12).map(DumpValue::Integer).collect::<Vec<_>>(), "by number, not text");
}

/// What was loaded is found by every other method and scanned as it was.
pub async fn a_loaded_row_is_like_any_other(store: &dyn MetaStore) {
    let rows = [
        ("instance", vec![DumpValue::Integer(1), DumpValue::Integer(9), DumpValue::Integer(501)]),
        ("setting", vec![DumpValue::Text("s".into()), DumpValue::Bytes(vec![0, 255])]),
        ("body", vec![DumpValue::Integer(7), DumpValue::Bytes(b"body".to_vec())]),
        ("maybe_unreferenced", vec![DumpValue::Integer(7)]),
    ];
    for (name, row) in &rows {
        let (table, row) = (table(name), row.clone());
        let load = move |tx: &mut dyn MetaTxn| tx.load_row(table, &row);
        store.write::<_, EngineError, _>(Scope::Instance, load).await.unwrap();
    }
    for (name, row) in &rows {
        assert_eq!(scan(store, table(name), 9).await, std::slice::from_ref(row), "{name}");
    }
    read(store, |snapshot| {
        assert_eq!(snapshot.get_setting("s")?.as_deref(), Some(&[0, 255][..]));
        assert_eq!(snapshot.auth_epoch()?, 9);
        Ok(())
    })
    .await;
    let new = write(store, UserNo(1), |tx| content(tx, b"new")).await;
    assert!(new.0 >= 501, "ids go on where they were: {new:?}");
}

/// Two rows of one key are one too many.
pub async fn a_row_is_loaded_once(store: &dyn MetaStore) {
    let load =
        |tx: &mut dyn MetaTxn| tx.load_row(table("maybe_unreferenced"), &[DumpValue::Integer(7)]);
    store.write::<_, EngineError, _>(Scope::Instance, load).await.unwrap();
    store.write::<_, EngineError, _>(Scope::Instance, load).await.unwrap_err();
}
