//! The instance's own settings.

use pan_engine::meta::{InstanceRead, InstanceTxn, Result};
use rusqlite::params;

use crate::session::Session;

impl InstanceRead for Session<'_> {
    fn get_setting(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM setting WHERE name = ?1";
        self.query_row("reading a setting", sql, [name], |row| row.get(0))
    }
}

impl InstanceTxn for Session<'_> {
    fn put_setting(&mut self, name: &str, value: &[u8]) -> Result<()> {
        self.execute(
            "writing a setting",
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )?;
        Ok(())
    }
}
