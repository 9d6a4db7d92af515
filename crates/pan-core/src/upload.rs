//! Uploading a file (pcs-rest 4.2).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::Stream;
use pan_engine::meta::{Entry, FileFacts};
use pan_engine::{Clock, ErrorKind, MetaStoreExt, MetaTxn, ReadCost, Scope};
use pan_model::{BlobKey, ByteSize, Caller, ContentId, Ondup, PanPath, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use crate::content::Fate;
use crate::ledger::{self, Node};
use crate::quota::Limits;
use crate::receive::{Allowance, Received};
use crate::tree::{Located, Target, authorize_below, target};
use crate::{BodyError, Error, Pan, Result, content, newcopy, receive};

/// The most bytes of one upload: PCS documents 2 GB.
pub const MAX_UPLOAD: ByteSize = ByteSize(2 << 30);

/// An upload that announces less is received first and judged at its commit:
/// looking first would cost more than it saves.
const WORTH_LOOKING: ByteSize = ByteSize(64 << 10);

impl Pan {
    /// Takes in the bytes of an upload to `path`. Refuses early what the
    /// commit would refuse, and never takes more than the account has free.
    ///
    /// `declared` is the length that the request announced, if it did.
    ///
    /// # Errors
    /// As [`Pan::upload`], and [`Error::Body`] when the bytes do not arrive.
    pub async fn receive_upload<S>(
        &self,
        caller: &Caller,
        target: Option<(&PanPath, Ondup)>,
        declared: Option<ByteSize>,
        body: S,
    ) -> Result<Received>
    where
        S: Stream<Item = std::result::Result<Bytes, BodyError>> + Unpin,
    {
        if declared.is_some_and(|size| size > MAX_UPLOAD) {
            return Err(Error::TooLarge { limit: MAX_UPLOAD });
        }
        if let Some((path, _)) = target {
            authorize_below(caller, path)?;
        }
        let small = declared.is_some_and(|size| size <= WORTH_LOOKING);
        let free = match small {
            true => ByteSize::UNLIMITED,
            false => self.admit(caller, target, declared).await?,
        };
        receive::receive(self, Allowance { limit: MAX_UPLOAD, free }, body).await
    }

    /// What the commit would refuse now. Returns the bytes that fit.
    async fn admit(
        &self,
        caller: &Caller,
        wanted: Option<(&PanPath, Ondup)>,
        declared: Option<ByteSize>,
    ) -> Result<ByteSize> {
        let caller = caller.clone();
        let wanted = wanted.map(|(path, ondup)| (path.clone(), ondup));
        let limits = Limits::of(self);
        let look = move |read: &mut dyn pan_engine::MetaRead| {
            let usage = read.get_usage(caller.user)?.ok_or(Error::TokenInvalid)?;
            let free = limits.free(&usage);
            let Some((path, ondup)) = wanted else { return Ok(free) };
            let place = target(read, &caller, &path)?;
            let replaced = replaced_size(&place, ondup);
            limits.check(&usage, declared.unwrap_or(ByteSize::ZERO), replaced)?;
            check_conflict(&place, ondup)?;
            Ok(free + replaced)
        };
        self.meta().read(ReadCost::Bounded, look).await
    }

    /// Makes received bytes a file at `path`. Missing parents are created; a
    /// file that is replaced keeps its `fs_id` and `ctime`.
    ///
    /// # Errors
    /// [`Error::OutsideRoot`], [`Error::NameInvalid`], [`Error::ParentIsFile`],
    /// [`Error::QuotaExceeded`], then [`Error::AlreadyExists`] when the name
    /// is taken and `ondup` does not help. Nothing changed then.
    pub async fn upload(
        &self,
        caller: &Caller,
        path: &PanPath,
        ondup: Ondup,
        received: Received,
    ) -> Result<Located> {
        self.commit(caller, received, Upload::new(self, caller, path, ondup).into_place()).await
    }

    /// Runs a commit that takes received bytes over. `place` says whose their
    /// blobs are then.
    pub(crate) async fn commit<T, F>(
        &self,
        caller: &Caller,
        received: Received,
        place: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn MetaTxn, &Received) -> Result<(T, Fate)> + Send + 'static,
    {
        let inline = received.is_inline();
        let commit = self.committing(caller, received, place);
        if inline {
            return commit.await;
        }
        // With blobs in hand the commit must reach its end even when the
        // client does not wait for it: only then is it known whose they are.
        begin(commit).await.await.map_err(|error| {
            pan_engine::EngineError::new(ErrorKind::Panicked, "committing an upload")
                .with_source(error)
        })?
    }

    /// A commit whose first step queues it.
    pub(crate) fn committing<T, F>(
        &self,
        caller: &Caller,
        received: Received,
        mut place: F,
    ) -> impl Future<Output = Result<T>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn MetaTxn, &Received) -> Result<(T, Fate)> + Send + 'static,
    {
        let (pan, scope) = (self.clone(), Scope::User(caller.user));
        async move {
            let received = Arc::new(received);
            let shared = received.clone();
            let done = pan.meta().write(scope, move |tx| place(tx, &shared)).await;
            let Ok(received) = Arc::try_unwrap(received) else {
                unreachable!("the closure is gone once it has answered")
            };
            settle(&pan, done, received).await
        }
    }
}

/// Takes the first step of something here and now, and gives the others to a
/// task, which takes them also when nobody waits.
pub(crate) async fn begin<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let mut work = Box::pin(work);
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    tokio::spawn(async move {
        match first {
            Poll::Ready(done) => done,
            Poll::Pending => work.await,
        }
    })
}

/// Decides about the blobs of a commit that has ended.
async fn settle<T>(pan: &Pan, done: Result<(T, Fate)>, received: Received) -> Result<T> {
    match done {
        Ok((value, Fate::Spare(twin))) => {
            // Nobody waits: whether somebody else has the same bytes must not
            // show in how long an upload takes. Where too many are waiting for
            // their turn already, the older copy is believed.
            if !received.is_inline()
                && let Ok(place) = pan.inner().spares.clone().try_acquire_owned()
            {
                tokio::spawn(spare(pan.clone(), twin, received, place));
            }
            Ok(value)
        }
        Ok((value, Fate::Taken)) => {
            received.keep();
            Ok(value)
        }
        Ok((value, Fate::Healing(suspects))) => {
            received.keep();
            healed(pan, suspects);
            Ok(value)
        }
        // Rows may name the blobs after all: gc decides, not we.
        Err(Error::Engine(error)) if error.kind() != ErrorKind::Busy => {
            received.keep();
            Err(error.into())
        }
        Err(error) => Err(error),
    }
}

/// Gives up good bytes for an older copy of them: not before that copy was
/// read and found whole. It gets these bytes otherwise.
async fn spare(pan: Pan, twin: ContentId, received: Received, _place: OwnedSemaphorePermit) {
    let _turn = pan.inner().spare_turn.lock().await;
    let Err(error) = pan.read_all_stored(twin).await else { return };
    tracing::error!(content = twin.0, "{error}; these bytes were just uploaded and take its place");
    let received = Arc::new(received);
    let shared = received.clone();
    let job = move |tx: &mut dyn MetaTxn| content::replace_damaged(tx, twin, &shared);
    let replaced = pan.meta().write(Scope::Instance, job).await;
    let Ok(received) = Arc::try_unwrap(received) else {
        unreachable!("the closure is gone once it has answered")
    };
    match replaced {
        Ok(Fate::Healing(suspects)) => {
            received.keep();
            healed(&pan, suspects);
        }
        Ok(_) => {}
        // Rows may name the blobs after all.
        Err(error) => {
            tracing::error!(content = twin.0, %error, "could not replace damaged bytes");
            received.keep();
        }
    }
}

/// Tells of a healed content, and moves what it had aside. A backup may still
/// copy some of that, and no upload waits for it.
fn healed(pan: &Pan, suspects: Vec<BlobKey>) {
    tracing::info!(blobs = suspects.len(), "healed a damaged content");
    tokio::spawn(move_aside(pan.clone(), suspects));
}

async fn move_aside(pan: Pan, suspects: Vec<BlobKey>) {
    let _removal = pan.inner().leases.remove().await;
    if let Err(error) = pan.blobs().quarantine(&suspects).await {
        tracing::warn!(%error, "could not move damaged blobs aside that were replaced");
    }
}

/// A file that is about to come to a path.
pub(crate) struct Upload {
    pub(crate) caller: Caller,
    pub(crate) path: PanPath,
    ondup: Ondup,
    now: Timestamp,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Upload {
    pub(crate) fn new(pan: &Pan, caller: &Caller, path: &PanPath, ondup: Ondup) -> Self {
        Self {
            caller: caller.clone(),
            path: path.clone(),
            ondup,
            now: pan.now(),
            clock: pan.clock().clone(),
            limits: Limits::of(pan),
        }
    }

    /// The closure that makes received bytes this file.
    pub(crate) fn into_place(
        self,
    ) -> impl FnMut(&mut dyn MetaTxn, &Received) -> Result<(Located, Fate)> + Send + 'static {
        move |tx, received| {
            let kept = content::keep(tx, received)?;
            Ok((self.place(tx, kept.facts)?, kept.blobs))
        }
    }

    /// Puts a content at the path: quota before conflict (pcs-rest 12.2).
    pub(crate) fn place(&self, tx: &mut dyn MetaTxn, facts: FileFacts) -> Result<Located> {
        let place = target(tx.as_read(), &self.caller, &self.path)?;
        let usage = tx.get_usage(self.caller.user)?.ok_or(Error::TokenInvalid)?;
        self.limits.check(&usage, facts.size, replaced_size(&place, self.ondup))?;
        check_conflict(&place, self.ondup)?;
        match (&place.existing, self.ondup) {
            (Some(existing), Ondup::Overwrite) => self.replace(tx, &place, existing, facts),
            (Some(_), _) => self.create_copy(tx, &place, facts),
            (None, _) => self.create(tx, &place, &place.name, facts),
        }
    }

    fn create(
        &self,
        tx: &mut dyn MetaTxn,
        place: &Target,
        name: &str,
        facts: FileFacts,
    ) -> Result<Located> {
        let directory = place.make_parents(tx, self.now)?;
        let node = Node::new_file(tx, &directory, name, facts, self.now)?;
        let entry = ledger::apply(tx, self.now, None, Some(node))?;
        Ok(Located { path: directory.path.join(name), entry })
    }

    fn create_copy(
        &self,
        tx: &mut dyn MetaTxn,
        place: &Target,
        facts: FileFacts,
    ) -> Result<Located> {
        let parent = &place.parent;
        let at = self.clock.local(self.now);
        let bytes = parent.path.as_str().len();
        let name = newcopy::free_name(tx.as_read(), parent.entry.fs_id, bytes, &place.name, at)?;
        self.caller
            .rules
            .check_name(&name)
            .map_err(|reason| Error::NameInvalid { path: parent.path.join(&name), reason })?;
        self.create(tx, place, &name, facts)
    }

    fn replace(
        &self,
        tx: &mut dyn MetaTxn,
        place: &Target,
        existing: &Entry,
        facts: FileFacts,
    ) -> Result<Located> {
        let mut above = place.parent.above.clone();
        above.push(place.parent.entry.fs_id);
        let path = place.path();
        let found = crate::tree::Found { path: path.clone(), entry: existing.clone(), above };
        let old = Node::found(tx, &found)?;
        let new = old.with_content(facts, self.now);
        let entry = ledger::apply(tx, self.now, Some(old), Some(new))?;
        Ok(Located { path, entry })
    }
}

/// The bytes that an overwrite gives back.
pub(crate) fn replaced_size(place: &Target, ondup: Ondup) -> ByteSize {
    match (&place.existing, ondup) {
        (Some(existing), Ondup::Overwrite) => {
            existing.file().map_or(ByteSize::ZERO, |facts| facts.size)
        }
        _ => ByteSize::ZERO,
    }
}

/// A directory is never replaced; a file only when that was asked for.
pub(crate) fn check_conflict(place: &Target, ondup: Ondup) -> Result<()> {
    match (&place.existing, ondup) {
        (None, _) | (Some(_), Ondup::NewCopy) => Ok(()),
        (Some(existing), Ondup::Overwrite) if !existing.is_directory() => Ok(()),
        (Some(_), _) => Err(Error::AlreadyExists { path: place.path() }),
    }
}
