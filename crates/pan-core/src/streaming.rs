//! Watching a video while it is transcoded (pcs-rest 4.16).
//!
//! Players send no token. What a playlist names are links: sealed texts that
//! say whose file is watched in which format, and until when. A link is good for
//! its hours, even after its token, while the file is there, in that token's
//! root, with the same bytes, and its user is not shut out.

mod link;

use std::sync::Arc;

use bytes::Bytes;
use pan_engine::{MediaError, MetaRead, MetaStoreExt, Piece, ReadCost, Timeline, Viewer};
use pan_model::{Caller, FsId, Md5Style, PanPath, PathRules, StreamFormat, Timestamp};

use crate::below::Below;
use crate::media_source::ContentSource;
use crate::seal::{Opened, Seal};
use crate::tree::look_up;
use crate::{ContentReader, Error, Pan, Result};
use link::Link;

/// The setting that holds the secret that links are sealed with.
pub(crate) const SECRET: &str = "stream_link_secret";

/// How long a link is good: longer than any film and a pause.
const LINK_SECONDS: i64 = 8 * 3600;

/// A video that is ready to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// How it is cut.
    pub timeline: Timeline,
    /// Leads to its pieces, without a token, for eight hours.
    pub link: String,
}

impl Pan {
    /// Makes a video ready to be watched, in any part at once.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::NotFound`], also
    /// for a directory; [`Error::Streaming`] when it cannot be watched.
    pub async fn streaming(
        &self,
        caller: &Caller,
        path: &PanPath,
        format: StreamFormat,
    ) -> Result<Stream> {
        let (pan, who, path) = (self.clone(), caller.clone(), path.clone());
        let look = move |read: &mut dyn MetaRead| {
            let located = look_up(read, &who, &path)?.located();
            let Some(facts) = located.entry.file() else { return Err(Error::NotFound { path }) };
            let reader = ContentReader::open(&pan, read, facts.content)?;
            Ok((located.entry.fs_id, facts.content, reader))
        };
        let (fs_id, content, reader) = self.meta().read(ReadCost::Bounded, look).await?;
        if reader.is_empty() {
            let reason = String::from("the file is empty");
            return Err(Error::Streaming(MediaError::Unsuitable(reason)));
        }
        let source = Arc::new(ContentSource::new(reader));
        let timeline = self.media().timeline(source, caller.user).await.map_err(streaming_error)?;
        let mut session = [0; 8];
        self.inner().engines.entropy.fill(&mut session);
        let link = Link {
            fs_id,
            content,
            format,
            session: u64::from_be_bytes(session),
            pieces: timeline.pieces,
            expires: Timestamp(self.now().0.saturating_add(LINK_SECONDS)),
            root: caller.root.clone(),
        };
        let link = self.link_key().await?.seal(link.to_bytes(), self.nonce())?;
        Ok(Stream { timeline, link })
    }

    /// One piece of a video that [`Pan::streaming`] made ready: an MPEG
    /// transport stream.
    ///
    /// # Errors
    /// [`Error::LinkInvalid`]; [`Error::NoPiece`] beyond the last one;
    /// [`Error::Streaming`] when it cannot be made.
    pub async fn stream_piece(&self, link: &str, index: u32) -> Result<Bytes> {
        let Opened::Ours(bytes) = self.link_key().await?.open(link) else {
            return Err(Error::LinkInvalid);
        };
        let link = Link::from_bytes(&bytes).ok_or(Error::LinkInvalid)?;
        if link.expires <= self.now() {
            return Err(Error::LinkInvalid);
        }
        let pieces = link.pieces;
        let viewer = Viewer { user: link.fs_id.user(), session: link.session };
        let piece = Piece { format: link.format, index, viewer };
        let pan = self.clone();
        let look = move |read: &mut dyn MetaRead| follow(&pan, read, &link);
        let reader = self.meta().read(ReadCost::Bounded, look).await?;
        if index >= pieces {
            return Err(Error::NoPiece { pieces });
        }
        let source = Arc::new(ContentSource::new(reader));
        self.media().piece(source, piece).await.map_err(streaming_error)
    }

    async fn link_key(&self) -> Result<&Seal> {
        self.inner().link_key.get_or_try_init(|| self.read_seal(SECRET)).await
    }
}

/// The content that a link leads to, if its holder may still see it.
fn follow(pan: &Pan, read: &mut dyn MetaRead, link: &Link) -> Result<ContentReader> {
    let user = link.fs_id.user();
    if read.get_user(user)?.is_none_or(|user| user.disabled) {
        return Err(Error::LinkInvalid);
    }
    let entry = read.get_entry(link.fs_id)?.ok_or(Error::LinkInvalid)?;
    if entry.file().is_none_or(|facts| facts.content != link.content) {
        return Err(Error::LinkInvalid);
    }
    let everything = Caller {
        user,
        root: PanPath::root(),
        rules: PathRules::Relaxed,
        md5_style: Md5Style::Plain,
    };
    let below = Below::new(read, &everything, FsId::root(user), "")?;
    let path = match below {
        Some(mut below) => below.locate(read, &entry)?,
        None => None,
    };
    match path {
        Some(path) if path.is_within(&link.root) => ContentReader::open(pan, read, link.content),
        _ => Err(Error::LinkInvalid),
    }
}

fn streaming_error(error: MediaError) -> Error {
    match error {
        MediaError::Source(error) => Error::Engine(error),
        error => Error::Streaming(error),
    }
}
