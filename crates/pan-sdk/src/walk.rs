//! Whole trees, as a stream.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use pan_model::{ListOrder, PanPath};
use tokio::task::JoinSet;

use crate::{Client, Entry, Error};

/// How far ahead of the entry that is being told directories are asked for.
const ENTRIES_AHEAD: usize = 8;

/// An entry, or a directory that could not be listed and why.
type Step = Result<Entry, (PanPath, Error)>;

/// Whether a walk looks into a directory.
type Enters = Arc<dyn Fn(&Entry) -> bool + Send + Sync>;

impl Client {
    /// Everything below a directory: each entry, and right after a directory
    /// what is in it. The next directories are listed ahead; at most a few
    /// pages of each directory on the way down are in memory.
    ///
    /// # Errors
    /// A directory that cannot be listed is an item of the stream, with its
    /// path, and the walk goes on behind it.
    pub fn walk(
        &self,
        path: &PanPath,
        order: ListOrder,
    ) -> impl Stream<Item = Step> + Send + use<> {
        self.walk_where(path, order, |_| true)
    }

    /// The same, but looks only into directories that `enters` says yes to;
    /// the others come without what is in them, which is not asked for.
    pub fn walk_where<F: Fn(&Entry) -> bool + Send + Sync + 'static>(
        &self,
        path: &PanPath,
        order: ListOrder,
        enters: F,
    ) -> impl Stream<Item = Step> + Send + use<F> {
        let enters: Enters = Arc::new(enters);
        Listing::of(self.clone(), path.clone(), Kind { order, enters }).steps()
    }
}

/// What all directories of a walk share.
#[derive(Clone)]
struct Kind {
    order: ListOrder,
    enters: Enters,
}

/// A directory that is being listed.
struct Listing {
    client: Client,
    path: PanPath,
    kind: Kind,
    pages: BoxStream<'static, Result<Vec<Entry>, Error>>,
}

impl Listing {
    fn of(client: Client, path: PanPath, kind: Kind) -> Self {
        let pages = client.pages(path.clone(), kind.order).boxed();
        Self { client, path, kind, pages }
    }

    /// Its entries with all that is below them.
    fn steps(self) -> BoxStream<'static, Step> {
        let Self { client, path, kind, pages } = self;
        pages
            .flat_map(move |page| match page {
                Ok(page) => steps_of_page(client.clone(), page, kind.clone()),
                Err(error) => stream::iter([Err((path.clone(), error))]).boxed(),
            })
            .boxed()
    }

    /// Waits until its first page is there.
    async fn read_ahead(mut self) -> Self {
        if let Some(first) = self.pages.next().await {
            self.pages = stream::iter([first]).chain(self.pages).boxed();
        }
        self
    }
}

fn steps_of_page(client: Client, page: Vec<Entry>, kind: Kind) -> BoxStream<'static, Step> {
    stream::iter(page)
        .map(move |entry| look_inside(client.clone(), entry, kind.clone()))
        .buffered(ENTRIES_AHEAD)
        .flat_map(|(entry, inside)| {
            let below = inside.map_or_else(|| stream::empty().boxed(), Listing::steps);
            stream::iter([Ok(entry)]).chain(below)
        })
        .boxed()
}

/// Lists a directory in a task of its own, which goes on while the entries
/// before it are being told and ends when the walk is dropped.
async fn look_inside(client: Client, entry: Entry, kind: Kind) -> (Entry, Option<Listing>) {
    if !entry.is_dir || !(kind.enters)(&entry) {
        return (entry, None);
    }
    let listing = Listing::of(client, entry.path.clone(), kind);
    let mut task = JoinSet::new();
    task.spawn(listing.read_ahead());
    let inside = task.join_next().await.and_then(Result::ok);
    (entry, inside)
}
