use pan_model::{ByteSize, SLICE_BYTES};
use pan_pcs::{BulkLimits, ErrorCode, ExtensionList, ExtensionsBody, Object};

use crate::call::Call;
use crate::digest::Algorithm;
use crate::{Client, Error, RetryPolicy};

/// What a service can do beyond the API of Baidu (pcs-rest 4.26).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extensions {
    /// The limits of [`bulk_upload`](Client::bulk_upload); `None` where there
    /// is none.
    pub bulk_upload: Option<BulkLimits>,
    /// Whether contents are compared by their BLAKE3, of which headers tell.
    pub blake3: bool,
    /// Whether there is a [`rapid_probe`](Client::rapid_probe).
    pub rapid_probe: bool,
}

impl Extensions {
    fn of(list: &ExtensionList) -> Self {
        Self {
            bulk_upload: list.bulkupload,
            blake3: list.digests.blake3,
            rapid_probe: list.rapidprobe,
        }
    }

    /// What contents are compared by.
    pub(crate) fn algorithm(&self) -> Algorithm {
        if self.blake3 { Algorithm::Blake3 } else { Algorithm::Md5 }
    }
}

impl Client {
    /// Asks what the service can do beyond the API of Baidu (pcs-rest 4.26).
    /// It is asked once; the answer is kept for the life of the client and its
    /// clones. A service that does not know the question can do nothing more.
    ///
    /// # Errors
    /// Whatever may be different the next time: no connection, a service that
    /// is down, a token that is not good. That is not kept.
    pub async fn extensions(&self) -> Result<Extensions, Error> {
        let known = self.known_extensions().get_or_try_init(|| self.ask_extensions()).await;
        known.copied()
    }

    /// The extensions, if they can be found out soon; none otherwise. What is
    /// called then has the patience, and will hear why.
    pub(crate) async fn extensions_soon(&self) -> Extensions {
        let brief = RetryPolicy::brief().patience;
        let patience = self.retry().patience.min(brief);
        let impatient = self.with_retry(RetryPolicy { patience, ..self.retry().clone() });
        impatient.extensions().await.unwrap_or_default()
    }

    /// What contents of this size are compared by. A small one is hashed in
    /// less time than a question takes.
    pub(crate) async fn algorithm_for(&self, size: ByteSize) -> Algorithm {
        match size.0 > SLICE_BYTES {
            true => self.extensions_soon().await.algorithm(),
            false => Algorithm::Md5,
        }
    }

    async fn ask_extensions(&self) -> Result<Extensions, Error> {
        // Baidu's own service is known to have none of ours.
        if !self.endpoint().has_true_superfile_md5() {
            return Ok(Extensions::default());
        }
        let call = Call::get(Object::File, "extensions");
        match self.ask::<ExtensionsBody>(&call).await {
            Ok(body) => Ok(Extensions::of(&body.extensions)),
            Err(error) if is_unknown_call(&error) => Ok(Extensions::default()),
            Err(error) => Err(error),
        }
    }
}

/// Whether this is what services say to a call that they do not know. The
/// token has nothing to do with it.
fn is_unknown_call(error: &Error) -> bool {
    match error {
        Error::Reply { .. } => true,
        Error::Refused(_) => error.is(ErrorCode::UnsupportedApi) || error.is(ErrorCode::Param),
        _ => false,
    }
}
