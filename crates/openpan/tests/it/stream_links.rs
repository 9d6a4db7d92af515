//! How long a link to a video is good, with the clock in our hand. What it
//! leads to is no matter here, so a few bytes stand for it.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pan_core::{Error, MediaError, Settings, Timeline};
use pan_engine::{BoxFuture, MediaEngine, MediaSource, Piece, Thumbnail};
use pan_model::{ByteSize, Caller, StreamFormat, ThumbnailSize, UserNo};

use crate::in_hand::{InHand, path};

crate::tests![
    a_link_ends_after_eight_hours,
    a_link_ends_while_its_user_is_disabled,
    a_link_ends_in_the_recycle_bin_and_comes_back,
    a_link_is_for_one_content,
    a_link_is_no_cursor_and_a_cursor_no_link,
    a_link_is_of_one_instance,
];

const NO_QUOTA: ByteSize = ByteSize((1 << 53) - 1);
const HOUR: i64 = 3600;

/// Every content is a video of three pieces, and a piece says its number.
struct ThreePieces;

impl MediaEngine for ThreePieces {
    fn thumbnail(
        &self,
        _source: Arc<dyn MediaSource>,
        _size: ThumbnailSize,
        _user: UserNo,
    ) -> BoxFuture<'_, Result<Thumbnail, MediaError>> {
        Box::pin(ready(Err(MediaError::Unavailable(String::new()))))
    }

    fn timeline(
        &self,
        _source: Arc<dyn MediaSource>,
        _user: UserNo,
    ) -> BoxFuture<'_, Result<Timeline, MediaError>> {
        let piece = Duration::from_secs(4);
        Box::pin(ready(Ok(Timeline { pieces: 3, piece, last: piece })))
    }

    fn piece(
        &self,
        _source: Arc<dyn MediaSource>,
        piece: Piece,
    ) -> BoxFuture<'_, Result<Bytes, MediaError>> {
        Box::pin(ready(Ok(Bytes::from(piece.index.to_string()))))
    }
}

fn storage() -> InHand {
    InHand::with_media(Settings::default(), Arc::new(ThreePieces))
}

async fn watch(storage: &InHand, caller: &Caller, at: &str) -> String {
    let stream = storage.pan.streaming(caller, &path(at), StreamFormat::M3u8_320x240).await;
    stream.unwrap().link
}

#[track_caller]
fn is_piece(piece: pan_core::Result<Bytes>) {
    assert_eq!(piece.unwrap(), "2");
}

#[track_caller]
fn is_dead(piece: pan_core::Result<Bytes>) {
    assert!(matches!(piece, Err(Error::LinkInvalid)), "{piece:?}");
}

fn a_link_ends_after_eight_hours() {
    InHand::tell(storage(), async |storage| {
        let ann = storage.user("ann", NO_QUOTA).await;
        storage.put(&ann, "/film", b"film").await;
        let link = watch(&storage, &ann, "/film").await;
        for (index, good) in [(0, true), (2, true), (3, false), (u32::MAX, false)] {
            let piece = storage.pan.stream_piece(&link, index).await;
            assert_eq!(piece.is_ok(), good, "{index}");
            assert!(good || matches!(piece, Err(Error::NoPiece { pieces: 3 })), "{index}");
        }
        storage.wait_seconds(8 * HOUR - 1);
        is_piece(storage.pan.stream_piece(&link, 2).await);
        let later = watch(&storage, &ann, "/film").await;
        storage.wait_seconds(1);
        is_dead(storage.pan.stream_piece(&link, 2).await);
        is_piece(storage.pan.stream_piece(&later, 2).await);
    });
}

fn a_link_ends_while_its_user_is_disabled() {
    InHand::tell(storage(), async |storage| {
        let ann = storage.user("ann", NO_QUOTA).await;
        let bob = storage.user("bob", NO_QUOTA).await;
        for caller in [&ann, &bob] {
            storage.put(caller, "/film", b"film").await;
        }
        let (of_ann, of_bob) =
            (watch(&storage, &ann, "/film").await, watch(&storage, &bob, "/film").await);
        storage.pan.set_user("ann", None, Some(true)).await.unwrap();
        is_dead(storage.pan.stream_piece(&of_ann, 2).await);
        is_piece(storage.pan.stream_piece(&of_bob, 2).await);
        storage.pan.set_user("ann", None, Some(false)).await.unwrap();
        is_piece(storage.pan.stream_piece(&of_ann, 2).await);
    });
}

fn a_link_ends_in_the_recycle_bin_and_comes_back() {
    InHand::tell(storage(), async |storage| {
        let ann = storage.user("ann", NO_QUOTA).await;
        storage.put(&ann, "/films/old/film", b"film").await;
        let link = watch(&storage, &ann, "/films/old/film").await;
        for deleted in ["/films/old/film", "/films/old", "/films"] {
            storage.rm(&ann, deleted).await;
            is_dead(storage.pan.stream_piece(&link, 2).await);
            let recycled = storage.bin(&ann).await[0].located.entry.fs_id;
            storage.pan.restore(&ann, recycled).await.unwrap();
            is_piece(storage.pan.stream_piece(&link, 2).await);
        }
        storage.rm(&ann, "/films").await;
        storage.pan.empty_recycle(&ann).await.unwrap();
        is_dead(storage.pan.stream_piece(&link, 2).await);
    });
}

fn a_link_is_for_one_content() {
    InHand::tell(storage(), async |storage| {
        let ann = storage.user("ann", NO_QUOTA).await;
        storage.put(&ann, "/film", b"film").await;
        let link = watch(&storage, &ann, "/film").await;
        storage.put(&ann, "/film", b"another").await;
        is_dead(storage.pan.stream_piece(&link, 2).await);
        let link = watch(&storage, &ann, "/film").await;
        storage.pan.move_entry(&ann, &path("/film"), &path("/there/film")).await.unwrap();
        is_piece(storage.pan.stream_piece(&link, 2).await);
    });
}

fn a_link_is_no_cursor_and_a_cursor_no_link() {
    InHand::tell(storage(), async |storage| {
        let ann = storage.user("ann", NO_QUOTA).await;
        storage.put(&ann, "/film", b"film").await;
        let link = watch(&storage, &ann, "/film").await;
        let cursor = storage.pan.diff(&ann, None).await.unwrap().cursor;
        is_dead(storage.pan.stream_piece(&cursor, 2).await);
        // A cursor of another instance begins anew: that is what this one looks like.
        let page = storage.pan.diff(&ann, Some(&link)).await;
        assert!(page.is_err() || page.is_ok_and(|page| page.reset), "a link is no cursor");
    });
}

fn a_link_is_of_one_instance() {
    InHand::tell(storage(), async |storage| {
        let other = storage_of_another().await;
        let ann = storage.user("ann", NO_QUOTA).await;
        storage.put(&ann, "/film", b"film").await;
        is_piece(storage.pan.stream_piece(&watch(&storage, &ann, "/film").await, 2).await);
        is_dead(storage.pan.stream_piece(&other, 2).await);
    });
}

/// A link that a storage like this one made.
async fn storage_of_another() -> String {
    let other = storage();
    let ann = other.user("ann", NO_QUOTA).await;
    other.put(&ann, "/film", b"film").await;
    watch(&other, &ann, "/film").await
}
