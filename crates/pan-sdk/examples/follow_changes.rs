//! Tells what changes, as it changes, until a file of a name goes.
//!
//! ```sh
//! cargo run -p pan-sdk --example follow_changes -- /stop
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use pan_sdk::{Change, Client, Endpoint};

/// How long to wait when nothing happened. Other services ask for a minute.
const PAUSE: Duration = Duration::from_millis(200);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let last = std::env::args().nth(1).ok_or("usage: follow_changes PATH")?;

    // Without a cursor the feed begins with everything that is there.
    let mut tree = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let is_first = cursor.is_none();
        let mut pages = pin!(client.diff_all(cursor.as_deref()));
        while let Some(page) = pages.try_next().await? {
            let mut is_over = false;
            for change in page.changes.iter().filter(|_| !page.reset && !is_first) {
                match change {
                    Change::Present(entry) => println!("+ {}", entry.path),
                    Change::Gone(gone) => println!("- {}", gone.path),
                    _ => {}
                }
                is_over |= matches!(change, Change::Gone(gone) if gone.path.as_str() == last);
            }
            // Keep the cursor where the program finds it when it starts again,
            // but only once the page is dealt with.
            cursor = Some(page.cursor.clone());
            page.apply_to(&mut tree);
            if is_over {
                return Ok(());
            }
        }
        if is_first {
            println!("{} entries", tree.len());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
