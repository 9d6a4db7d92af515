//! Certificates: the operator's, or one of our own for trials.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Certificate;

/// Names that clients of the PCS API ask for, so that they can be pointed at
/// a local server without a certificate of one's own.
const NAMES: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "::1",
    "pcs.baidu.com",
    "c.pcs.baidu.com",
    "d.pcs.baidu.com",
    "openapi.baidu.com",
    "pan.baidu.com",
];

/// Reads a certificate; makes one in `own` when none was given.
pub(crate) fn load(certificate: &Certificate, own: &Path) -> Result<ServerConfig> {
    let (cert, key) = match certificate {
        Certificate::Files { cert, key } => (cert.clone(), key.clone()),
        Certificate::SelfSigned => {
            let (cert, key) = (own.join("cert.pem"), own.join("key.pem"));
            if !(cert.exists() && key.exists()) {
                make(own, &cert, &key).context("could not make a certificate")?;
            }
            (cert, key)
        }
    };
    let chain = CertificateDer::pem_file_iter(&cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("could not read the certificate {}", cert.display()))?;
    let secret = PrivateKeyDer::from_pem_file(&key)
        .with_context(|| format!("could not read the key {}", key.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .with_context(|| format!("{} and {} do not go together", cert.display(), key.display()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn make(directory: &Path, cert: &Path, key: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(key)?
        .write_all(made.signing_key.serialize_pem().as_bytes())?;
    Ok(fs::write(cert, made.cert.pem())?)
}
