//! Downloads a file, and goes on where an earlier run was broken off.
//!
//! ```sh
//! cargo run -p pan-sdk --example resume_download -- /films/long.mkv long.mkv
//! ```

use std::error::Error;
use std::fs::{OpenOptions, rename};
use std::io::Write;

use pan_sdk::{Client, Endpoint, PanPath};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: resume_download REMOTE LOCAL";
    let remote = PanPath::parse(&arguments.next().ok_or(usage)?)?;
    let local = arguments.next().ok_or(usage)?;

    // Half a file has a name that tells which content it is half of.
    let facts = client.facts(&remote).await?;
    let content = facts.md5.map(|md5| md5.to_string()).unwrap_or_default();
    let part = format!("{local}.{content}.part");
    let mut file = OpenOptions::new().create(true).append(true).open(&part)?;
    let begun = file.metadata()?.len();
    if begun < facts.size.0 {
        // A break on the way is mended by the download itself.
        let mut download = client.download(&remote, begun..).await?;
        if download.facts().md5 != facts.md5 {
            return Err("the file changed on the server".into());
        }
        while let Some(chunk) = download.chunk().await? {
            file.write_all(&chunk)?;
        }
    }
    file.sync_all()?;
    // What was put together from two runs is compared as a whole.
    let found = client.claim_file(&part).await?.md5;
    if facts.md5.is_some_and(|md5| md5 != found) {
        std::fs::remove_file(&part)?;
        return Err("the content is damaged; begin again".into());
    }
    rename(&part, &local)?;
    println!("{begun} bytes were there, {} were fetched", facts.size.0.saturating_sub(begun));
    Ok(())
}
