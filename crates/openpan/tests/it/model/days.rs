//! Programs in which days pass: the server runs in this process, and its clock
//! is in the test's hand.

use std::sync::Arc;

use pan_conformance::pcs::{Accounts, TokenSpec};
use pan_core::Settings;
use pan_model::{ByteSize, Md5Style, PanPath, PathRules};
use pan_server::{Listener, Server, Site};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::in_hand::InHand;

const SECONDS_PER_DAY: i64 = 86_400;

/// A server that is as old as it is told.
pub(super) struct Days {
    runtime: Runtime,
    storage: Arc<InHand>,
    pub(super) address: String,
    /// The server ends when this goes.
    _stop: watch::Sender<bool>,
}

impl Days {
    pub(super) fn begin() -> Self {
        let runtime = Runtime::new().unwrap();
        let storage = Arc::new(InHand::new(Settings::default()));
        let (stop, stopping) = watch::channel(false);
        let listener = runtime.block_on(Listener::bind("127.0.0.1:0", None)).unwrap();
        let address = listener.url().unwrap().trim_start_matches("http://").to_owned();
        let server = Server::new(storage.pan.clone(), Site::default());
        runtime.spawn(async move { server.serve(vec![listener], stopping).await });
        Self { runtime, storage, address, _stop: stop }
    }

    /// Lets days pass, and what the workers do in them.
    pub(super) fn pass(&self, days: i64) {
        self.storage.wait_seconds(days * SECONDS_PER_DAY);
        let pan = &self.storage.pan;
        self.runtime.block_on(async {
            while pan.purge_expired().await.unwrap() > 0 {}
            while !pan.collect().await.unwrap().is_idle() {}
            pan.trim_changes().await.unwrap();
        });
    }

    pub(super) fn check(&self) {
        let report = self.runtime.block_on(self.storage.pan.check(true)).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

impl Accounts for Days {
    fn add_user(&self, name: &str, quota: Option<u64>) {
        let quota = quota.map_or(ByteSize::UNLIMITED, ByteSize);
        self.runtime.block_on(self.storage.pan.add_user(name, quota)).unwrap();
    }

    fn issue_token(&self, user: &str, spec: &TokenSpec) -> String {
        let spec = pan_core::TokenSpec {
            user: user.to_owned(),
            root: PanPath::parse(&spec.root).unwrap(),
            rules: if spec.relaxed { PathRules::Relaxed } else { PathRules::Pcs },
            md5_style: Md5Style::Plain,
            expires: None,
        };
        self.runtime.block_on(self.storage.pan.issue_token(spec)).unwrap()
    }
}
