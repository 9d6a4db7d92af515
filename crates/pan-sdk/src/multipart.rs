//! The multipart body of an upload: one part named `file` (pcs-rest 1.6).
//!
//! It is streamed, and its length is known before the first byte goes out.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use tokio::time::{Sleep, sleep};

use crate::digest::{Algorithm, Hasher};
use crate::progress::Meter;
use crate::stall::Activity;
use crate::{Digest, Error, Throttle};

/// The pieces of a content, in order.
pub(crate) type Frames = BoxStream<'static, Result<Bytes, Error>>;

/// One sending of a content, wrapped as multipart.
pub(crate) struct Sending {
    boundary: String,
    stage: Stage,
    frames: Frames,
    /// What is left of a piece that was too much at once.
    rest: Bytes,
    length: u64,
    sent: u64,
    /// Nothing, where the digest is known.
    hasher: Option<Hasher>,
    outcome: Outcome,
    activity: Activity,
    flow: Flow,
    pause: Option<Pin<Box<Sleep>>>,
}

/// What is told of the bytes of a content as they move, and what limits them.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) meter: Meter,
    pub(crate) throttle: Throttle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Content,
    End,
}

/// What the bytes that go out are compared by.
#[derive(Clone, Copy)]
pub(crate) enum Proof {
    /// This digest, which was announced.
    Known(Digest),
    /// A digest that is computed while they go out.
    By(Algorithm),
}

/// What became of a sending: the digest of what went out, or why it stopped.
#[derive(Clone, Default)]
pub(crate) struct Outcome {
    known: Option<Digest>,
    ended: Arc<OnceLock<Result<Option<Digest>, Stopped>>>,
}

/// The source failed; the error is handed out once.
type Stopped = std::sync::Mutex<Option<Error>>;

impl Outcome {
    /// The digest of the content; `None` when it did not go out to its end.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.ended.get()?.as_ref().ok()?.or(self.known)
    }

    /// Why the source stopped, when it did.
    pub(crate) fn failure(&self) -> Option<Error> {
        let stopped = self.ended.get()?.as_ref().err()?;
        stopped.lock().ok()?.take()
    }
}

impl Sending {
    /// Begins to send frames of `length` bytes in all.
    pub(crate) fn new(
        frames: Frames,
        length: u64,
        proof: Proof,
        activity: Activity,
        flow: Flow,
    ) -> Self {
        let (known, hasher) = match proof {
            Proof::Known(digest) => (Some(digest), None),
            Proof::By(algorithm) => (None, Some(algorithm.hasher())),
        };
        Self {
            boundary: format!("{:032x}", rand::random::<u128>()),
            stage: Stage::Head,
            frames,
            rest: Bytes::new(),
            length,
            sent: 0,
            hasher,
            outcome: Outcome { known, ended: Arc::default() },
            activity,
            flow,
            pause: None,
        }
    }

    /// Where it will be told how the sending ended.
    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome.clone()
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(crate) fn content_length(&self) -> u64 {
        (self.head().len() + self.tail().len()) as u64 + self.length
    }

    fn head(&self) -> Bytes {
        format!(
            "--{}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.boundary
        )
        .into()
    }

    fn tail(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }

    /// The next bytes of the content, as many as may move at once.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.rest.is_empty() {
            match ready!(self.frames.poll_next_unpin(context)) {
                Some(Ok(frame)) => self.rest = frame,
                end => return Poll::Ready(end),
            }
        }
        let step = self.flow.throttle.step_bytes().min(self.rest.len());
        let piece = self.rest.split_to(step);
        let wait = self.flow.throttle.wait_for(step as u64);
        if !wait.is_zero() {
            self.activity.pause(wait);
            self.pause = Some(Box::pin(sleep(wait)));
        }
        Poll::Ready(Some(Ok(piece)))
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, Error> {
        self.sent += piece.len() as u64;
        if self.sent > self.length {
            return Err(wrong_length());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&piece);
        }
        self.flow.meter.reach(self.sent);
        Ok(piece)
    }

    fn end(&mut self) -> Result<Bytes, Error> {
        if self.sent < self.length {
            return Err(wrong_length());
        }
        self.stage = Stage::End;
        let digest = self.hasher.take().map(Hasher::finish);
        let _ = self.outcome.ended.set(Ok(digest));
        Ok(self.tail())
    }

    /// Ends the body early: the service sees a broken request and keeps nothing.
    fn stop(&mut self, error: Error) -> io::Error {
        self.stage = Stage::End;
        let message = error.to_string();
        let _ = self.outcome.ended.set(Err(Stopped::new(Some(error))));
        io::Error::other(message)
    }
}

impl Stream for Sending {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.pause.is_none() {
            this.activity.mark();
        }
        let piece = match this.stage {
            Stage::Head => {
                this.stage = Stage::Content;
                Ok(this.head())
            }
            Stage::Content => match ready!(this.poll_piece(context)) {
                Some(piece) => piece.and_then(|piece| this.take(piece)),
                None => this.end(),
            },
            Stage::End => return Poll::Ready(None),
        };
        Poll::Ready(Some(piece.map_err(|error| this.stop(error))))
    }
}

fn wrong_length() -> Error {
    let text = "it has another length than was said";
    Error::local("the content of an upload", io::Error::new(io::ErrorKind::InvalidInput, text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream::{self, StreamExt, TryStreamExt};
    use pan_model::ByteSize;

    use super::{Flow, Proof, Sending};
    use crate::digest::Algorithm;
    use crate::stall::Activity;
    use crate::{Progress, Throttle};

    fn sending(frames: &[&'static str], length: u64) -> Sending {
        let frames: Vec<_> =
            frames.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        let throttle = Throttle::bytes_per_second(ByteSize(1 << 20));
        let flow = Flow { meter: Progress::default().meter(), throttle };
        Sending::new(
            stream::iter(frames).boxed(),
            length,
            Proof::By(Algorithm::Md5),
            Activity::start(),
            flow,
        )
    }

    #[tokio::test]
    async fn the_length_is_that_of_the_body() {
        for frames in [&["ab", "c"][..], &[]] {
            let length = frames.concat().len() as u64;
            let sending = sending(frames, length);
            let (announced, outcome) = (sending.content_length(), sending.outcome());
            let body: Vec<Bytes> = sending.try_collect().await.unwrap();
            assert_eq!(body.concat().len() as u64, announced);
            let expected = if length == 0 {
                "md5 d41d8cd98f00b204e9800998ecf8427e"
            } else {
                "md5 900150983cd24fb0d6963f7d28e17f72"
            };
            assert_eq!(outcome.digest().unwrap().to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_source_of_another_length_stops_the_body() {
        for length in [2, 4] {
            let sending = sending(&["ab", "c"], length);
            let outcome = sending.outcome();
            assert!(sending.try_collect::<Vec<_>>().await.is_err());
            assert!(outcome.digest().is_none());
            assert!(outcome.failure().is_some());
            assert!(outcome.failure().is_none());
        }
    }
}
