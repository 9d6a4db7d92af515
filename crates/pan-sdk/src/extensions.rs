use pan_pcs::{BulkLimits, ErrorCode, ExtensionsBody, Object};

use crate::call::Call;
use crate::{Client, Error};

/// What a service can do beyond the API of Baidu (pcs-rest 4.26).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extensions {
    /// The limits of [`bulk_upload`](Client::bulk_upload); `None` where there
    /// is none.
    pub bulk_upload: Option<BulkLimits>,
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

    async fn ask_extensions(&self) -> Result<Extensions, Error> {
        // Baidu's own service is known to have none of ours.
        if !self.endpoint().has_true_superfile_md5() {
            return Ok(Extensions::default());
        }
        let call = Call::get(Object::File, "extensions");
        match self.ask::<ExtensionsBody>(&call).await {
            Ok(body) => Ok(Extensions { bulk_upload: body.extensions.bulkupload }),
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
