//! The calls, one line each: what they do is said at the async method.

use std::io::Read;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use pan_model::{
    ByteSize, ContentClaim, ContentProbe, FsId, ListOrder, Md5, MediaType, Ondup, PanPath, Window,
};

use super::reader::{Waiting, pieces};
use super::{Client, Download, Items};
use crate::{
    App, Content, DiffPage, Entry, Error, Extensions, FileFacts, MediaPage, NewToken, PartlyDone,
    Playlist, PlaylistPiece, Quota, RecycledEntry, SmallFile, StreamFormat, Task, TaskDetail,
    TaskFilter, TaskId, TaskOptions, TaskPage, Thumbnail, ThumbnailSize, TransferOptions,
};

/// Methods that wait for the async method of the same name.
macro_rules! calls {
    ($(fn $name:ident($($argument:ident: $kind:ty),* $(,)?) -> $output:ty;)*) => {
        impl Client {
            $(
                #[doc = concat!(
                    "As [`", stringify!($name), "`](crate::Client::", stringify!($name), ")."
                )]
                #[doc = ""]
                #[doc = "# Errors"]
                #[doc = "Those of the async method."]
                pub fn $name(&self, $($argument: $kind),*) -> $output {
                    self.engine.wait(|| self.client.$name($($argument),*))
                }
            )*
        }
    };
}

/// Methods that iterate over the stream of the same name.
macro_rules! streams {
    ($(fn $name:ident($($argument:ident: $kind:ty),* $(,)?) -> $item:ty;)*) => {
        impl Client {
            $(
                #[doc = concat!(
                    "As [`", stringify!($name), "`](crate::Client::", stringify!($name), "): ",
                    "an iterator instead of a stream."
                )]
                pub fn $name(&self, $($argument: $kind),*) -> Items<$item> {
                    self.items(self.client.$name($($argument),*))
                }
            )*
        }
    };
}

type Pair = (PanPath, PanPath);

calls! {
    fn quota() -> Result<Quota, Error>;
    fn upload(path: &PanPath, content: Content, ondup: Ondup) -> Result<Entry, Error>;
    fn upload_tmpfile(content: Content) -> Result<Md5, Error>;
    fn create_superfile(path: &PanPath, blocks: &[Md5], ondup: Ondup) -> Result<Entry, Error>;
    fn rapid_upload(path: &PanPath, claim: &ContentClaim, ondup: Ondup) -> Result<Entry, Error>;
    fn claim_file(local: impl AsRef<Path> + Send) -> Result<ContentClaim, Error>;
    fn rapid_probe(probe: &ContentProbe) -> Result<bool, Error>;
    fn upload_file(
        local: impl AsRef<Path> + Send,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error>;
    fn extensions() -> Result<Extensions, Error>;
    fn bulk_upload(files: &[SmallFile]) -> Result<Vec<Result<Entry, Error>>, Error>;
    fn upload_many(
        files: Vec<SmallFile>,
        options: &TransferOptions,
    ) -> Vec<Result<Entry, Error>>;
    fn download_file(
        from: &PanPath,
        to: impl AsRef<Path> + Send,
        options: &TransferOptions,
    ) -> Result<FileFacts, Error>;
    fn facts(path: &PanPath) -> Result<FileFacts, Error>;
    fn mkdir(path: &PanPath) -> Result<Entry, Error>;
    fn ensure_dir(path: &PanPath) -> Result<Entry, Error>;
    fn meta(path: &PanPath) -> Result<Entry, Error>;
    fn meta_batch(paths: &[PanPath]) -> Result<Vec<Entry>, Error>;
    fn list(path: &PanPath, order: ListOrder, window: Window) -> Result<Vec<Entry>, Error>;
    fn move_entry(from: &PanPath, to: &PanPath) -> Result<(), Error>;
    fn move_batch(pairs: &[Pair]) -> Result<Vec<Pair>, PartlyDone<Pair>>;
    fn copy_entry(from: &PanPath, to: &PanPath) -> Result<(), Error>;
    fn copy_batch(pairs: &[Pair]) -> Result<Vec<Pair>, PartlyDone<Pair>>;
    fn delete_entry(path: &PanPath) -> Result<(), Error>;
    fn delete_batch(paths: &[PanPath]) -> Result<Vec<PanPath>, PartlyDone<PanPath>>;
    fn search(
        path: &PanPath,
        keyword: &str,
        deep: bool,
        window: Window,
    ) -> Result<Vec<Entry>, Error>;
    fn thumbnail(path: &PanPath, size: ThumbnailSize) -> Result<Thumbnail, Error>;
    fn diff(cursor: Option<&str>) -> Result<DiffPage, Error>;
    fn streaming(path: &PanPath, format: StreamFormat) -> Result<String, Error>;
    fn playlist(path: &PanPath, format: StreamFormat) -> Result<Playlist, Error>;
    fn stream_piece(piece: &PlaylistPiece) -> Result<Bytes, Error>;
    fn list_media(
        media: MediaType,
        prefix: Option<&str>,
        start: u64,
        limit: u64,
    ) -> Result<MediaPage, Error>;
    fn add_task(
        source_url: &str,
        save_path: &PanPath,
        options: &TaskOptions,
    ) -> Result<TaskId, Error>;
    fn query_task(ids: &[TaskId], detail: TaskDetail) -> Result<Vec<Option<Task>>, Error>;
    fn list_task(filter: &TaskFilter, start: u64, limit: u64) -> Result<TaskPage, Error>;
    fn cancel_task(id: TaskId) -> Result<(), Error>;
    fn list_recycle(window: Window) -> Result<Vec<RecycledEntry>, Error>;
    fn restore(fs_id: FsId) -> Result<(), Error>;
    fn restore_batch(ids: &[FsId]) -> Result<Vec<FsId>, PartlyDone<FsId>>;
    fn empty_recycle() -> Result<(), Error>;
    fn refresh_token(
        app: &App,
        refresh_token: &str,
        scope: Option<&str>,
    ) -> Result<NewToken, Error>;
    fn exchange_code(app: &App, code: &str, redirect_uri: &str) -> Result<NewToken, Error>;
}

streams! {
    fn list_all(path: &PanPath, order: ListOrder) -> Result<Entry, Error>;
    fn walk(path: &PanPath, order: ListOrder) -> Result<Entry, (PanPath, Error)>;
    fn walk_where(
        path: &PanPath,
        order: ListOrder,
        enters: impl Fn(&Entry) -> bool + Send + Sync + 'static,
    ) -> Result<Entry, (PanPath, Error)>;
    fn search_all(path: &PanPath, keyword: &str, deep: bool) -> Result<Entry, Error>;
    fn list_media_all(media: MediaType, prefix: Option<&str>) -> Result<Entry, Error>;
    fn stream_pieces(playlist: &Playlist) -> Result<Bytes, Error>;
    fn list_task_all(filter: &TaskFilter) -> Result<Task, Error>;
    fn list_recycle_all() -> Result<RecycledEntry, Error>;
    fn diff_all(cursor: Option<&str>) -> Result<DiffPage, Error>;
}

impl Client {
    /// As [`download`](crate::Client::download).
    ///
    /// # Errors
    /// Those of the async method.
    pub fn download(
        &self,
        path: &PanPath,
        range: impl RangeBounds<u64> + Send,
    ) -> Result<Download, Error> {
        let download = self.engine.wait(|| self.client.download(path, range))?;
        Ok(Download { download, engine: Arc::clone(&self.engine), rest: Bytes::new() })
    }

    /// As [`upload_reader`](crate::Client::upload_reader), of an ordinary
    /// reader, which is read on the thread that calls. While it keeps that
    /// waiting no further part is begun.
    ///
    /// # Errors
    /// Those of the async method.
    pub fn upload_reader(
        &self,
        reader: impl Read + Send + Unpin,
        to: &PanPath,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        self.engine.wait(|| self.client.upload_reader(Waiting(reader), to, ondup, options))
    }

    /// A regular file as a content, as [`Content::file`].
    ///
    /// # Errors
    /// [`Error::Local`] when it cannot be opened.
    pub fn file(&self, path: impl AsRef<Path> + Send) -> Result<Content, Error> {
        self.engine.wait(|| Content::file(path))
    }

    /// The next `length` bytes of an ordinary reader as a content, as
    /// [`Content::reader`].
    pub fn reader(&self, reader: impl Read + Send + 'static, length: ByteSize) -> Content {
        Content::stream(pieces(reader, length), length)
    }
}
