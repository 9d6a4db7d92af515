//! The instance's own settings.

use pan_engine::MetaStore;
use pan_model::UserNo;

use super::given::{read, write};

/// A setting is not there, then there, then another; any bytes will do.
pub async fn a_setting_is_replaced(store: &dyn MetaStore) {
    for value in [None, Some(b"".to_vec()), Some(vec![0, 255, 10]), Some(b"text".to_vec())] {
        if let Some(value) = value.clone() {
            write(store, UserNo(1), move |tx| tx.put_setting("name", &value)).await;
        }
        read(store, move |snapshot| {
            assert_eq!(snapshot.get_setting("name")?, value);
            assert_eq!(snapshot.get_setting("Name")?, None);
            Ok(())
        })
        .await;
    }
}
