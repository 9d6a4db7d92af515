//! The content of an upload: which part it is, and the parameters around it.

use bytes::Bytes;
use futures_util::{Stream, stream};
use pan_core::{BodyError, Pan, Received};
use pan_model::ByteSize;
use pan_pcs::Method;

use super::error::Failure;
use super::multipart::{Claim, Multipart};
use super::request::{Call, broken, no_content};

/// Boundaries, part headers and parameters around a content, at most: what a
/// request announces is surely content when it is above this.
pub(super) const WRAPPING_BYTES: u64 = 16 << 10;

/// Receives the content of an upload; reads the parameters after it too.
pub(super) async fn take(pan: &Pan, call: &mut Call) -> Result<Received, Failure> {
    let mut multipart = call.take_multipart()?;
    let mut best: Option<(Claim, Received)> = None;
    let mut rivals = 0;
    let taken = loop {
        let part = match multipart.next_part().await {
            Ok(Some(part)) => part,
            Ok(None) => break Ok(()),
            Err(error) => break Err(broken(error)),
        };
        let Some(claim) = part.claim() else {
            match multipart.read_text().await {
                Ok(value) => call.set_late(&part.name, value),
                Err(error) => break Err(broken(error)),
            }
            continue;
        };
        if claim == Claim::Unnamed {
            rivals += 1;
        }
        if best.as_ref().is_some_and(|(surest, _)| *surest >= claim) {
            continue;
        }
        let declared = multipart.announced().map(|bytes| bytes.saturating_sub(WRAPPING_BYTES));
        match receive(pan, call, declared.map(ByteSize), &mut multipart).await {
            Ok(received) => best = Some((claim, received)),
            Err(failure) => break Err(failure),
        }
    };
    call.put_back(multipart);
    taken?;
    match best {
        Some((Claim::Unnamed, _)) if rivals > 1 => Err(no_content()),
        Some((_, received)) => {
            let received = received.matching(call.params.content_md5()?)?;
            Ok(received.matching_blake3(call.params.content_blake3()?)?)
        }
        None => Err(no_content()),
    }
}

async fn receive(
    pan: &Pan,
    call: &Call,
    declared: Option<ByteSize>,
    multipart: &mut Multipart,
) -> Result<Received, Failure> {
    let pieces = Box::pin(pieces(multipart));
    if call.spec.method == Method::UploadTmpfile {
        return Ok(pan.receive_tmpfile(&call.caller, declared, pieces).await?);
    }
    let ondup = call.params.ondup()?;
    // A path may still come after the content.
    let path = call.params.names_target().then(|| call.params.target_path()).transpose()?;
    let target = path.as_ref().map(|path| (path, ondup));
    Ok(pan.receive_upload(&call.caller, target, declared, pieces).await?)
}

fn pieces(multipart: &mut Multipart) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + '_ {
    stream::unfold(multipart, |multipart| async move {
        multipart.next_piece().await.transpose().map(|piece| (piece, multipart))
    })
}
