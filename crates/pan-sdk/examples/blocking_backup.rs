//! Brings what is new in a remote directory home, without async.
//!
//! ```sh
//! cargo run -p pan-sdk --features blocking --example blocking_backup -- /photos photos
//! ```

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use pan_sdk::{Client, Endpoint, ListOrder, PanPath, TransferOptions, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::single(&std::env::var("OPENPAN_ENDPOINT")?)?;
    let client = Client::new(endpoint, std::env::var("OPENPAN_TOKEN")?)?;
    let client = blocking::Client::new(client)?;
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: blocking_backup REMOTE LOCAL";
    let remote = PanPath::parse(&arguments.next().ok_or(usage)?)?;
    let local = PathBuf::from(arguments.next().ok_or(usage)?);

    let (mut fetched, mut kept) = (0, 0);
    for step in client.walk(&remote, ListOrder::default()) {
        let entry = step.map_err(|(path, error)| format!("{path}: {error}"))?;
        let below = entry.path.as_str().strip_prefix(remote.as_str()).unwrap_or_default();
        let place = local.join(below.trim_start_matches('/'));
        if entry.is_dir {
            fs::create_dir_all(&place)?;
            continue;
        }
        let seconds = u64::try_from(entry.mtime.0).unwrap_or_default();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        if let Ok(there) = fs::metadata(&place)
            && (there.len(), there.modified()?) == (entry.size.0, modified)
        {
            kept += 1;
            continue;
        }
        fs::create_dir_all(place.parent().unwrap_or(&local))?;
        let mut options = TransferOptions::default();
        options.modified = Some(modified);
        // The file appears whole, or not at all.
        client.download_file(&entry.path, &place, &options)?;
        fetched += 1;
    }
    println!("{fetched} fetched, {kept} kept");
    Ok(())
}
