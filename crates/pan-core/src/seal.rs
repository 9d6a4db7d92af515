//! Texts that a client keeps and only we can read or make: cursors and links.
//!
//! The text is base64url without padding, which survives any number of
//! percent-encodings. Each purpose has a secret of its own, kept in the
//! metadata store, so that what was sealed outlives a restart.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pan_engine::{MetaRead, MetaStore, MetaStoreExt, MetaTxn, ReadCost, Scope};

use crate::{Error, Pan, Result, diff, streaming};

/// What a sealed text begins with.
pub(crate) const NONCE_BYTES: usize = 12;
/// What it ends with.
const TAG_BYTES: usize = 16;

/// The key of one purpose.
pub(crate) struct Seal(LessSafeKey);

/// What a text turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// We sealed these bytes.
    Ours(Vec<u8>),
    /// It has the form of a sealed text, and another key sealed it.
    Foreign,
    /// It never was one.
    Nothing,
}

impl Seal {
    /// The key that a stored secret makes.
    pub(crate) fn of(secret: &[u8]) -> Result<Self> {
        // A nonce that came twice would, in this mode, say no more than that
        // two texts were the same.
        let key = UnboundKey::new(&AES_256_GCM_SIV, secret).map_err(|_| Error::Damaged {
            what: "a secret of sealed texts has a wrong size".into(),
        })?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals bytes into a text.
    pub(crate) fn seal(&self, mut bytes: Vec<u8>, nonce: [u8; NONCE_BYTES]) -> Result<String> {
        let unique = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(unique, Aad::empty(), &mut bytes)
            .map_err(|_| Error::Damaged { what: "a text could not be sealed".into() })?;
        bytes.splice(..0, nonce);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Looks into a text.
    pub(crate) fn open(&self, text: &str) -> Opened {
        let Ok(mut sealed) = BASE64_URL_SAFE_NO_PAD.decode(text) else { return Opened::Nothing };
        if sealed.len() < NONCE_BYTES + TAG_BYTES {
            return Opened::Nothing;
        }
        let (nonce, sealed) = sealed.split_at_mut(NONCE_BYTES);
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else { return Opened::Foreign };
        match self.0.open_in_place(nonce, Aad::empty(), sealed) {
            Ok(bytes) => Opened::Ours(bytes.to_vec()),
            Err(_) => Opened::Foreign,
        }
    }
}

/// Makes a copy of a store seal with secrets of its own: it and the original
/// give out the same revs and ids to different things from now on.
pub(crate) async fn forget_secrets(copy: &dyn MetaStore) -> Result<()> {
    let job = |tx: &mut dyn MetaTxn| {
        for setting in [diff::SECRET, streaming::SECRET] {
            if tx.get_setting(setting)?.is_some() {
                tx.put_setting(setting, &[])?;
            }
        }
        Ok::<_, Error>(())
    };
    copy.write(Scope::Instance, job).await
}

impl Pan {
    /// The key whose secret is kept under this setting; made when it is first
    /// needed.
    pub(crate) async fn read_seal(&self, setting: &'static str) -> Result<Seal> {
        let look = move |read: &mut dyn MetaRead| Ok::<_, Error>(read.get_setting(setting)?);
        let secret = match self.meta().read(ReadCost::Bounded, look).await? {
            Some(secret) if !secret.is_empty() => secret,
            _ => self.make_secret(setting).await?,
        };
        Seal::of(&secret)
    }

    async fn make_secret(&self, setting: &'static str) -> Result<Vec<u8>> {
        let mut fresh = [0; 32];
        self.inner().engines.entropy.fill(&mut fresh);
        let job = move |tx: &mut dyn MetaTxn| {
            if let Some(secret) = tx.get_setting(setting)?.filter(|secret| !secret.is_empty()) {
                return Ok::<_, Error>(secret);
            }
            tx.put_setting(setting, &fresh)?;
            Ok(fresh.to_vec())
        };
        self.meta().write(Scope::Instance, job).await
    }

    /// A nonce for one text.
    pub(crate) fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        self.inner().engines.entropy.fill(&mut nonce);
        nonce
    }
}
