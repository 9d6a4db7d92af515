use pan_model::{Md5, Ondup, PanPath};
use pan_pcs::{EntryBody, ErrorCode, TmpfileBody};
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::digest::{Algorithm, ReplyDigests, compare};
use crate::endpoint::Host;
use crate::multipart::{Flow, Sending};
use crate::stall::Activity;
use crate::{Client, Content, Digest, Entry, Error, TransferOptions};

impl Client {
    /// Uploads a file in one request (pcs-rest 4.2): at most 2 GiB. Missing
    /// parents are created. The path of the entry differs from `path` when
    /// `ondup` made a new name.
    ///
    /// For files of any size see [`upload_file`](Self::upload_file).
    ///
    /// The md5 of bytes and files, or the BLAKE3 of those of more than 256 KiB
    /// where the [service](crate::Extensions) knows it, is computed first, in a
    /// pass of its own, and announced. An OpenPan server stores nothing when what arrives is
    /// something else, so that a bad connection never puts damaged bytes in
    /// the place of good ones; the upload is tried again. Other services
    /// ignore the announcement: there, and with a reader or a stream, damage
    /// is noticed afterwards, and what was stored is as it arrived.
    ///
    /// # Errors
    /// 31061 when the name is taken, 31062 and 31063 for a path that cannot
    /// be created, 31112 when the account has no room; [`Error::Damaged`]
    /// when what arrived is not what was sent.
    pub async fn upload(
        &self,
        path: &PanPath,
        content: Content,
        ondup: Ondup,
    ) -> Result<Entry, Error> {
        let content = self.to_compare(content).await;
        self.upload_metered(path, content, ondup, &TransferOptions::default()).await
    }

    /// Uploads a block for [`create_superfile`](Self::create_superfile)
    /// (pcs-rest 4.3): at most 2 GiB. The md5 is the handle of the block; it
    /// is kept for a day at least.
    ///
    /// # Errors
    /// [`Error::Damaged`] when what arrived is not what was sent.
    pub async fn upload_tmpfile(&self, content: Content) -> Result<Md5, Error> {
        let content = self.to_compare(content).await;
        self.upload_tmpfile_metered(content, &TransferOptions::default()).await
    }

    /// The content, to be compared by what the service knows. What can be read
    /// only once is compared by its md5 in any case.
    async fn to_compare(&self, content: Content) -> Content {
        if !content.is_repeatable() {
            return content;
        }
        let algorithm = self.algorithm_for(content.size()).await;
        content.compared_by(algorithm)
    }

    pub(crate) async fn upload_metered(
        &self,
        path: &PanPath,
        mut content: Content,
        ondup: Ondup,
        options: &TransferOptions,
    ) -> Result<Entry, Error> {
        let mut call = Call::post("upload").on_host(Host::Upload).with_path(path).with_ondup(ondup);
        content.hash().await?;
        call = match content.digest() {
            Some(Digest::Md5(md5)) => call.with("content-md5", md5.to_string()),
            Some(Digest::Blake3(blake3)) => call.with("content-blake3", blake3.to_string()),
            None => call,
        };
        let read = |body: EntryBody| {
            let entry = Entry::read(body)?;
            Ok((entry.md5, entry))
        };
        self.deliver(&call, content, options, read).await
    }

    pub(crate) async fn upload_tmpfile_metered(
        &self,
        content: Content,
        options: &TransferOptions,
    ) -> Result<Md5, Error> {
        let call = Call::post("upload").on_host(Host::Upload).with("type", "tmpfile");
        let read = |body: TmpfileBody| {
            let md5 = body.md5.parse().map_err(|_| format!("`{}` is no md5", body.md5))?;
            Ok((Some(md5), md5))
        };
        self.deliver(&call.harmless_if(true), content, options, read).await
    }

    /// Sends a content as often as it takes, and compares the digests that came
    /// back. `read` finds the md5 in the reply.
    async fn deliver<B: DeserializeOwned, T>(
        &self,
        call: &Call,
        mut content: Content,
        options: &TransferOptions,
        read: impl Fn(B) -> Result<(Option<Md5>, T), String>,
    ) -> Result<T, Error> {
        let flow = Flow { meter: options.progress.meter(), throttle: options.throttle.clone() };
        let mut pauses = self.retry().pauses();
        loop {
            let delivered = self.deliver_once(call, &mut content, &flow).await;
            let checked = async {
                let Delivered { sent, body, told } = delivered?;
                let (found, value) = read(body).map_err(|reason| self.malformed(call, reason))?;
                verify(&mut content, sent, told, found).await?;
                Ok(value)
            };
            match checked.await {
                Ok(value) => return Ok(value),
                Err(error) if !content.is_repeatable() => return Err(error),
                // What arrived is not what was announced, and nothing was stored.
                Err(error) if error.is(ErrorCode::BadRequest) && content.digest().is_some() => {
                    pauses.wait_in_any_case(error).await?;
                }
                Err(error) => pauses.wait(error, call.repeat).await?,
            }
        }
    }

    async fn deliver_once<B: DeserializeOwned>(
        &self,
        call: &Call,
        content: &mut Content,
        flow: &Flow,
    ) -> Result<Delivered<B>, Error> {
        let spent = || Error::Input(String::from("the content was sent before"));
        let early = || self.malformed(call, String::from("it came before all was sent"));
        let length = content.size().0;
        let activity = Activity::start();
        let frames = content.frames().ok_or_else(spent)?;
        let sending = Sending::new(frames, length, content.proof(), activity.clone(), flow.clone());
        let outcome = sending.outcome();
        let reply = self.send(call, sending, &activity).await;
        if let Some(failure) = outcome.failure() {
            return Err(failure);
        }
        let (body, told) = reply?;
        Ok(Delivered { sent: outcome.digest().ok_or_else(early)?, body, told })
    }
}

/// A content that went out, and the reply.
struct Delivered<B> {
    sent: Digest,
    body: B,
    /// By the headers.
    told: ReplyDigests,
}

/// Compares what was sent with what arrived; `found` is the md5 that the body
/// of the reply tells.
async fn verify(
    content: &mut Content,
    sent: Digest,
    told: ReplyDigests,
    found: Option<Md5>,
) -> Result<(), Error> {
    // The body may be damaged as well, and its md5 is the handle of a block.
    compare(told.md5, found)?;
    match (sent, told.blake3) {
        (Digest::Md5(md5), _) => compare(Some(md5), found),
        (Digest::Blake3(blake3), Some(arrived)) => compare(Some(blake3), Some(arrived)),
        // Somebody on the way takes headers off: then it is the md5 after all.
        (Digest::Blake3(_), None) => {
            let md5 = content.compute(Algorithm::Md5).await?;
            compare(md5, found.map(Digest::Md5))
        }
    }
}
