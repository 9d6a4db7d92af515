//! `openpan.toml`, and what is in force: flag > environment > file > default.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cli::{Place, ServeOptions};

const DATA_DIR: &str = "openpan-data";
const LISTEN: &str = "127.0.0.1:8800";
const FILE_NAME: &str = "openpan.toml";

/// The settings file. An unknown key is an error: a misspelt setting that is
/// silently ignored is worse than a server that does not start.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<String>,
    tls_listen: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_self_signed: Option<bool>,
}

/// Where a server gets its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Certificate {
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
}

/// What is in force.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: String,
    pub(crate) tls: Option<(String, Certificate)>,
}

/// The data directory alone: all that the administrative commands need.
pub(crate) fn data_dir(place: &Place) -> Result<PathBuf> {
    read_file(place).map(|(directory, _)| directory)
}

/// Everything that `serve` needs.
pub(crate) fn load(place: &Place, options: ServeOptions) -> Result<Config> {
    let (data_dir, file) = read_file(place)?;
    let listen = options.listen.or(file.listen).unwrap_or_else(|| LISTEN.into());
    let from_flags = options.tls_cert.is_some() || options.tls_self_signed;
    let certificate = match (options.tls_cert.zip(options.tls_key), options.tls_self_signed) {
        (Some((cert, key)), _) => Some(Certificate::Files { cert, key }),
        (None, true) => Some(Certificate::SelfSigned),
        (None, false) => from_file(file.tls_cert, file.tls_key, file.tls_self_signed)?,
    };
    let tls = match (options.tls_listen.or(file.tls_listen), certificate) {
        (Some(address), Some(certificate)) => Some((address, certificate)),
        (Some(_), None) => {
            bail!("--tls-listen needs --tls-cert and --tls-key, or --tls-self-signed")
        }
        (None, Some(_)) if from_flags => bail!("a certificate was given without --tls-listen"),
        (None, _) => None,
    };
    Ok(Config { data_dir, listen, tls })
}

fn from_file(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    self_signed: Option<bool>,
) -> Result<Option<Certificate>> {
    match (cert, key, self_signed.unwrap_or(false)) {
        (Some(cert), Some(key), false) => Ok(Some(Certificate::Files { cert, key })),
        (None, None, true) => Ok(Some(Certificate::SelfSigned)),
        (None, None, false) => Ok(None),
        _ => bail!("set tls_cert and tls_key, or tls_self_signed, and not both"),
    }
}

fn read_file(place: &Place) -> Result<(PathBuf, File)> {
    let given = place.data_dir.clone();
    let file = match &place.config {
        Some(path) => parse(path)?,
        None => {
            let path = given.clone().unwrap_or_else(|| DATA_DIR.into()).join(FILE_NAME);
            if path.exists() { parse(&path)? } else { File::default() }
        }
    };
    let data_dir = given.or_else(|| file.data_dir.clone()).unwrap_or_else(|| DATA_DIR.into());
    Ok((data_dir, file))
}

fn parse(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the settings in {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}
