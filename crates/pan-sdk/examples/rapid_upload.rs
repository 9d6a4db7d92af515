//! Uploads a file without sending it, if the service has its content already.
//!
//! ```sh
//! cargo run -p pan-sdk --example rapid_upload -- film.mkv /films/film.mkv
//! ```

use std::error::Error;

use pan_sdk::{Client, Content, Endpoint, ErrorCode, Ondup, PanPath};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: rapid_upload LOCAL REMOTE";
    let local = arguments.next().ok_or(usage)?;
    let remote = PanPath::parse(&arguments.next().ok_or(usage)?)?;

    // `upload_file` does all of this, and more, by itself.
    let claim = client.claim_file(&local).await?;
    match client.rapid_upload(&remote, &claim, Ondup::Overwrite).await {
        Ok(entry) => println!("{} was there already", entry.path),
        // It does not know the content, or the file is too small to ask about.
        Err(error) if error.is(ErrorCode::Md5NotFound) || error.is(ErrorCode::Param) => {
            let content = Content::file(&local).await?;
            let entry = client.upload(&remote, content, Ondup::Overwrite).await?;
            println!("{} was sent, {} bytes", entry.path, entry.size.0);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
