//! `openpan.toml`, and what is in force: flag > environment > file > default.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cli::{Place, ScopeArgument, ServeOptions};

const DATA_DIR: &str = "openpan-data";
const LISTEN: &str = "127.0.0.1:8800";
const LOG: &str = "info,access=off";
const FILE_NAME: &str = "openpan.toml";

/// The settings file. An unknown key is an error: a misspelt setting that is
/// silently ignored is worse than a server that does not start.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    log: Option<String>,
    listen: Option<String>,
    tls_listen: Option<String>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_self_signed: Option<bool>,
    #[serde(default)]
    recycle: RecycleTable,
    #[serde(default)]
    rapid_upload: RapidUploadTable,
    #[serde(default)]
    diff: DiffTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecycleTable {
    retention_days: Option<u32>,
    limit_ratio: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RapidUploadTable {
    scope: Option<ScopeArgument>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiffTable {
    retention_days: Option<NonZeroU32>,
}

/// What every command needs, and the file for those that need more.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) log: String,
    file: File,
}

/// Where a server gets its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Certificate {
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
}

/// What a server needs.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: String,
    pub(crate) tls: Option<(String, Certificate)>,
    pub(crate) rules: pan_core::Settings,
}

/// Reads the settings file, if there is one.
pub(crate) fn read(place: &Place) -> Result<Settings> {
    let given = place.data_dir.clone();
    let file = match &place.config {
        Some(path) => parse(path)?,
        None => {
            let path = given.clone().unwrap_or_else(|| DATA_DIR.into()).join(FILE_NAME);
            if path.exists() { parse(&path)? } else { File::default() }
        }
    };
    let data_dir = given.or_else(|| file.data_dir.clone()).unwrap_or_else(|| DATA_DIR.into());
    let log = place.log.clone().or_else(|| file.log.clone()).unwrap_or_else(|| LOG.into());
    Ok(Settings { data_dir, log, file })
}

fn parse(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read the settings in {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// Adds what `serve` needs.
pub(crate) fn for_serving(settings: Settings, options: ServeOptions) -> Result<Config> {
    let Settings { data_dir, file, .. } = settings;
    let rules = rules(&options, &file)?;
    let listen = options.listen.or(file.listen).unwrap_or_else(|| LISTEN.into());
    let certificate = certificate(
        options.tls_cert.or(file.tls_cert),
        options.tls_key.or(file.tls_key),
        options.tls_self_signed.or(file.tls_self_signed).unwrap_or(false),
    )?;
    let tls = match (options.tls_listen.or(file.tls_listen), certificate) {
        (Some(address), Some(certificate)) => Some((address, certificate)),
        (Some(_), None) => {
            bail!("HTTPS needs a certificate: give --tls-cert and --tls-key, or --tls-self-signed")
        }
        (None, Some(_)) => bail!("there is a certificate and no --tls-listen to use it"),
        (None, None) => None,
    };
    Ok(Config { data_dir, listen, tls, rules })
}

/// What the operator sets about the rules.
fn rules(options: &ServeOptions, file: &File) -> Result<pan_core::Settings> {
    let mut rules = pan_core::Settings::default();
    if let Some(days) = options.recycle_retention_days.or(file.recycle.retention_days) {
        rules.recycle_retention_days = days;
    }
    if let Some(ratio) = options.recycle_limit_ratio.or(file.recycle.limit_ratio) {
        if !ratio.is_finite() || ratio < 0.0 {
            bail!("recycle.limit_ratio is {ratio}: give a number of quotas, from zero on");
        }
        rules.recycle_limit_ratio = ratio;
    }
    if let Some(scope) = options.rapid_upload_scope.or(file.rapid_upload.scope) {
        rules.rapid_upload_scope = scope.into();
    }
    if let Some(days) = options.diff_retention_days.or(file.diff.retention_days) {
        rules.diff_retention_days = days.get();
    }
    Ok(rules)
}

fn certificate(
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    self_signed: bool,
) -> Result<Option<Certificate>> {
    match (cert, key, self_signed) {
        (Some(cert), Some(key), false) => Ok(Some(Certificate::Files { cert, key })),
        (None, None, true) => Ok(Some(Certificate::SelfSigned)),
        (None, None, false) => Ok(None),
        (Some(_), Some(_), true) => {
            bail!("there is a certificate, and a self-signed one is asked for: choose one")
        }
        (Some(_), None, _) => bail!("there is a certificate and no key for it (--tls-key)"),
        (None, Some(_), _) => bail!("there is a key and no certificate for it (--tls-cert)"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{File, rules};
    use crate::cli::{Arguments, Command};

    #[test]
    fn a_flag_about_the_rules_beats_the_file() {
        let days = |flags: &[&str], text: &str| {
            let file: File = toml::from_str(text).unwrap();
            let words = [&["openpan", "serve"], flags].concat();
            let Command::Serve(options) = Arguments::parse_from(words).command else { panic!() };
            rules(&options, &file).unwrap().diff_retention_days
        };
        assert_eq!(days(&[], ""), 90);
        assert_eq!(days(&[], "[diff]\nretention_days = 7\n"), 7);
        assert_eq!(days(&["--diff-retention-days", "3"], "diff.retention_days = 7\n"), 3);
    }
}
