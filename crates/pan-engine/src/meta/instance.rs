use super::Result;

/// Reading the instance's own settings.
pub trait InstanceRead {
    /// The value of a setting.
    fn get_setting(&mut self, name: &str) -> Result<Option<Vec<u8>>>;
}

/// Changing the instance's own settings.
pub trait InstanceTxn {
    /// Sets a setting; creates it when it is not there.
    fn put_setting(&mut self, name: &str, value: &[u8]) -> Result<()>;
}
