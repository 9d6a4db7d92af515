//! Finds the latest deletion of a path and undoes it.
//!
//! ```sh
//! cargo run -p pan-sdk --example undo_delete -- /notes/today.txt
//! ```

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use pan_sdk::{Client, Endpoint, ErrorCode, PanPath};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let path = std::env::args().nth(1).ok_or("usage: undo_delete PATH")?;
    let path = PanPath::parse(&path)?;

    // The latest deletion comes first; no more pages are asked for than it takes.
    let mut bin = pin!(client.list_recycle_all());
    while let Some(deleted) = bin.try_next().await? {
        let Some(fs_id) = deleted.entry.fs_id.filter(|_| deleted.entry.path == path) else {
            continue;
        };
        return match client.restore(fs_id).await {
            Ok(()) => {
                println!("{path} is there again, {} bytes", deleted.entry.size.0);
                Ok(())
            }
            Err(error) if error.is(ErrorCode::FileExists) => {
                Err(format!("{path} is taken by something newer").into())
            }
            Err(error) => Err(error.into()),
        };
    }
    Err(format!("{path} is not in the recycle bin").into())
}
