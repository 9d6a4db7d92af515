//! Somebody with the SDK behind a bad network, in the process of the test, so
//! that a transfer can be given up at any moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pan_conformance::pcs::{self, digest};
use pan_sdk::{ByteSize, Client, Endpoint, Error, Ondup, PanPath, RetryPolicy, TransferOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::bad_network::Network;
use crate::server::empty_directory;
use crate::shared::with_target;

pub(crate) const PART: u64 = 64 << 10;
/// Five parts and a bit; enough for a rapid upload.
pub(crate) const SIZE: usize = 5 * PART as usize + 1000;
pub(crate) const PATH: &str = "/photos/sea.jpg";
/// What surrounds the content of an upload.
pub(crate) const WRAPPING: u64 = 1000;
/// A busy machine may take its time, and that is no stall.
pub(crate) const LONG: Duration = Duration::from_secs(30);
/// For those who wait for a stall: more than a busy machine takes.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// Somebody behind a bad network, a file, and a server that others reach well.
pub(crate) struct World<'a> {
    pub(crate) runtime: Runtime,
    pub(crate) network: Network,
    pub(crate) direct: &'a pcs::Client,
    pub(crate) home: TempDir,
    pub(crate) content: Vec<u8>,
}

pub(crate) fn with_world(story: impl FnOnce(World<'_>)) {
    with_target(|t| {
        let direct = t.owner();
        story(World::new(direct.address(), &direct));
    });
}

impl<'a> World<'a> {
    pub(crate) fn new(address: &str, direct: &'a pcs::Client) -> Self {
        let (network, home) = (Network::start(address), empty_directory());
        let runtime = Runtime::new().unwrap();
        let mut this = Self { runtime, network, direct, home, content: Vec::new() };
        this.fill(1, SIZE);
        this
    }

    /// The local file gets other bytes.
    pub(crate) fn fill(&mut self, seed: u64, size: usize) {
        self.content = digest::content(seed, size);
        fs::write(self.local(), &self.content).unwrap();
    }

    pub(crate) fn local(&self) -> PathBuf {
        self.home.path().join("file")
    }

    pub(crate) fn copy(&self) -> PathBuf {
        self.home.path().join("copies/copy")
    }

    /// Somebody who waits for the network to get better.
    pub(crate) fn patient(&self) -> Client {
        self.patient_for(LONG)
    }

    pub(crate) fn patient_for(&self, stall: Duration) -> Client {
        let pause = Duration::from_millis(5);
        let patience = Duration::from_secs(5);
        let retry = RetryPolicy { first_pause: pause, longest_pause: 20 * pause, patience };
        self.client(retry, stall)
    }

    /// Somebody who gives up at once, and may come back.
    pub(crate) fn hasty(&self) -> Client {
        self.hasty_for(LONG)
    }

    pub(crate) fn hasty_for(&self, stall: Duration) -> Client {
        self.client(RetryPolicy::never(), stall)
    }

    pub(crate) fn client(&self, retry: RetryPolicy, stall: Duration) -> Client {
        let endpoint = Endpoint::single(&format!("http://{}", self.network.address())).unwrap();
        let builder = Client::builder(endpoint, self.direct.token()).retry(retry);
        builder.stall_timeout(stall).build().unwrap()
    }

    /// Everything above a part goes in parts, two at once, and is remembered.
    pub(crate) fn in_parts(&self) -> TransferOptions {
        let mut options = self.whole();
        (options.threshold, options.part_size) = (ByteSize(PART), ByteSize(PART));
        options
    }

    pub(crate) fn whole(&self) -> TransferOptions {
        let mut options = TransferOptions::default();
        options.rapid = false;
        options.parallel = 2;
        options.journal = Some(self.home.path().join("journal"));
        options
    }

    pub(crate) fn put(&self, client: &Client, options: &TransferOptions) -> Result<(), Error> {
        let (to, ondup) = (PanPath::parse(PATH).unwrap(), Ondup::Overwrite);
        let put = client.upload_file(self.local(), &to, ondup, options);
        self.runtime.block_on(put).map(|entry| assert_eq!(entry.path, to))
    }

    pub(crate) fn get(&self, client: &Client, options: &TransferOptions) -> Result<(), Error> {
        fs::create_dir_all(self.copy().parent().unwrap()).unwrap();
        let from = PanPath::parse(PATH).unwrap();
        let get = client.download_file(&from, self.copy(), options);
        self.runtime.block_on(get).map(|facts| assert_eq!(facts.size.0, SIZE as u64))
    }

    #[track_caller]
    pub(crate) fn is_put(&self, story: &str) {
        assert!(self.direct.get(PATH).file() == self.content, "{story}: another content");
    }

    /// The copy is the file, and nothing else is left over.
    #[track_caller]
    pub(crate) fn is_got(&self, story: &str) {
        assert!(fs::read(self.copy()).unwrap() == self.content, "{story}: another content");
        assert_eq!(names(&self.home.path().join("copies")), ["copy"], "{story}");
        self.nothing_is_remembered(story);
        fs::remove_file(self.copy()).unwrap();
    }

    #[track_caller]
    pub(crate) fn nothing_is_remembered(&self, story: &str) {
        let journals = names(&self.home.path().join("journal"));
        assert!(journals.is_empty(), "{story}: {journals:?}");
    }

    pub(crate) fn forget_remote(&self) {
        self.direct.rm("/photos");
    }
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
