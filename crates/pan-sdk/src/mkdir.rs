use pan_model::PanPath;
use pan_pcs::ErrorCode;

use crate::call::Call;
use crate::{Client, Entry, Error};

impl Client {
    /// Makes a directory, with the parents that are missing (pcs-rest 4.6).
    ///
    /// # Errors
    /// 31061 when the name is taken, by a directory or by a file; 31063 when
    /// a parent is a file.
    pub async fn mkdir(&self, path: &PanPath) -> Result<Entry, Error> {
        self.make_directory(Call::post("mkdir").with_path(path)).await
    }

    /// Makes sure that a directory is there.
    ///
    /// # Errors
    /// 31061 when a file has the name; 31063 when a parent is a file.
    pub async fn ensure_dir(&self, path: &PanPath) -> Result<Entry, Error> {
        let made = self.make_directory(Call::post("mkdir").with_path(path).harmless_if(true)).await;
        match made {
            Err(error) if error.is(ErrorCode::FileExists) => {
                let entry = self.meta(path).await?;
                if entry.is_dir { Ok(entry) } else { Err(error) }
            }
            made => made,
        }
    }

    async fn make_directory(&self, call: Call) -> Result<Entry, Error> {
        let entry = self.ask_entry(&call).await?;
        // The book's reply does not say it.
        Ok(Entry { is_dir: true, ..entry })
    }
}
