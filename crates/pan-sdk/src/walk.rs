//! Whole trees, as a stream.

use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use pan_model::{ListOrder, PanPath};
use tokio::task::JoinSet;

use crate::{Client, Entry, Error};

/// How far ahead of the entry that is being told directories are asked for.
const ENTRIES_AHEAD: usize = 8;

/// An entry, or a directory that could not be listed and why.
type Step = Result<Entry, (PanPath, Error)>;

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
        Listing::of(self.clone(), path.clone(), order).steps()
    }
}

/// A directory that is being listed.
struct Listing {
    client: Client,
    path: PanPath,
    order: ListOrder,
    pages: BoxStream<'static, Result<Vec<Entry>, Error>>,
}

impl Listing {
    fn of(client: Client, path: PanPath, order: ListOrder) -> Self {
        let pages = client.pages(path.clone(), order).boxed();
        Self { client, path, order, pages }
    }

    /// Its entries with all that is below them.
    fn steps(self) -> BoxStream<'static, Step> {
        let Self { client, path, order, pages } = self;
        pages
            .flat_map(move |page| match page {
                Ok(page) => steps_of_page(client.clone(), page, order),
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

fn steps_of_page(client: Client, page: Vec<Entry>, order: ListOrder) -> BoxStream<'static, Step> {
    stream::iter(page)
        .map(move |entry| look_inside(client.clone(), entry, order))
        .buffered(ENTRIES_AHEAD)
        .flat_map(|(entry, inside)| {
            let below = inside.map_or_else(|| stream::empty().boxed(), Listing::steps);
            stream::iter([Ok(entry)]).chain(below)
        })
        .boxed()
}

/// Lists a directory in a task of its own, which goes on while the entries
/// before it are being told and ends when the walk is dropped.
async fn look_inside(client: Client, entry: Entry, order: ListOrder) -> (Entry, Option<Listing>) {
    if !entry.is_dir {
        return (entry, None);
    }
    let listing = Listing::of(client, entry.path.clone(), order);
    let mut task = JoinSet::new();
    task.spawn(listing.read_ahead());
    let inside = task.join_next().await.and_then(Result::ok);
    (entry, inside)
}
