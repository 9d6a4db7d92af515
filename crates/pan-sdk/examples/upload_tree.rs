//! Uploads a directory with everything below it, a few files at once.
//!
//! ```sh
//! OPENPAN_ENDPOINT=http://127.0.0.1:8800 OPENPAN_TOKEN=… \
//!     cargo run -p pan-sdk --example upload_tree -- photos /backup/photos
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};
use pan_sdk::{Client, Endpoint, Ondup, PanPath, TransferOptions};

/// How many files are on their way at once.
const AT_ONCE: usize = 4;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: upload_tree LOCAL REMOTE";
    let local = PathBuf::from(arguments.next().ok_or(usage)?);
    let remote = arguments.next().ok_or(usage)?;

    let options = TransferOptions::default();
    let (client, options, root) = (&client, &options, local.as_path());
    let entries: Vec<_> = stream::iter(files_below(root)?)
        .map(|file| {
            let below = file.strip_prefix(root).unwrap_or(&file);
            let to = PanPath::parse(&format!("{remote}/{}", below.display()));
            // Large files go in parts, each tried again on its own; what the
            // service has already is not sent.
            async move {
                Ok::<_, Box<dyn Error>>(
                    client.upload_file(file, &to?, Ondup::Overwrite, options).await?,
                )
            }
        })
        .buffer_unordered(AT_ONCE)
        .inspect_ok(|entry| println!("{} {}", entry.size, entry.path))
        .try_collect()
        .await?;
    println!("{} files", entries.len());
    Ok(())
}

fn files_below(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}
