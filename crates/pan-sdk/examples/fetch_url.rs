//! Has the service fetch a URL by itself, and waits until it is there.
//!
//! An OpenPan server does not do that yet, and says so; others do.
//!
//! ```sh
//! cargo run -p pan-sdk --example fetch_url -- https://example.org/a.iso /a.iso
//! ```

use std::error::Error;
use std::time::Duration;

use pan_sdk::{Client, Endpoint, ErrorCode, PanPath, TaskDetail, TaskOptions, TaskStatus};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: fetch_url URL REMOTE";
    let url = arguments.next().ok_or(usage)?;
    let remote = PanPath::parse(&arguments.next().ok_or(usage)?)?;

    let id = match client.add_task(&url, &remote, &TaskOptions::default()).await {
        Ok(id) => id,
        Err(error) if error.is(ErrorCode::UnsupportedApi) => {
            println!("this service does not fetch anything");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    loop {
        let tasks = client.query_task(&[id], TaskDetail::Progress).await?;
        let task = tasks.into_iter().next().flatten().ok_or("the task is gone")?;
        match task.status {
            Some(TaskStatus::Finished) => break,
            Some(TaskStatus::Running) | None => {
                let bytes = |size: Option<pan_sdk::ByteSize>| size.unwrap_or_default().0;
                println!("{} of {} bytes", bytes(task.fetched), bytes(task.size));
            }
            Some(failed) => return Err(format!("it failed: {failed:?}").into()),
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    println!("{remote} is there");
    Ok(())
}
