//! `openpan.toml`, and what is in force: flag > environment > file > default.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};
use pan_model::ByteSize;
use pan_server::Site;
use serde::Deserialize;

use crate::cli::{Place, ScopeArgument, ServeOptions};

const DATA_DIR: &str = "openpan-data";
const LISTEN: &str = "127.0.0.1:8800";
const LOG: &str = "info,access=off";
const FILE_NAME: &str = "openpan.toml";
const FFMPEG: &str = "ffmpeg";
const CACHE_DIR: &str = "cache";
const CACHE_SIZE: ByteSize = ByteSize(2 << 30);
/// reliability S14: one user's videos leave room for another's.
const PROCESSES_OF_USER_MAX: usize = 2;

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
    public_url: Option<String>,
    web_origin: Option<String>,
    #[serde(default)]
    media: MediaTable,
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaTable {
    ffmpeg: Option<PathBuf>,
    cache_dir: Option<PathBuf>,
    cache_size: Option<String>,
    processes_max: Option<NonZeroU32>,
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
    pub(crate) media: pan_media::Options,
    pub(crate) site: Site,
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
    let media = media(&options, &file, &data_dir)?;
    let site = site(&options, &file)?;
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
    Ok(Config { data_dir, listen, tls, rules, media, site })
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

/// What the operator sets about thumbnails and video.
fn media(options: &ServeOptions, file: &File, data_dir: &Path) -> Result<pan_media::Options> {
    let of_file = match &file.media.cache_size {
        Some(text) => Some(text.parse().with_context(|| format!("media.cache_size is `{text}`"))?),
        None => None,
    };
    let cache_dir = options.media_cache_dir.clone().or_else(|| file.media.cache_dir.clone());
    let ffmpeg = options.media_ffmpeg.clone().or_else(|| file.media.ffmpeg.clone());
    let processes_max = options.media_processes_max.or(file.media.processes_max);
    let cores = || available_parallelism().map_or(1, usize::from);
    Ok(pan_media::Options {
        cache_dir: cache_dir.unwrap_or_else(|| data_dir.join(CACHE_DIR)),
        cache_size: options.media_cache_size.or(of_file).unwrap_or(CACHE_SIZE),
        ffmpeg: ffmpeg.unwrap_or_else(|| FFMPEG.into()),
        processes_max: processes_max.map_or_else(cores, |number| number.get() as usize),
        processes_of_user_max: PROCESSES_OF_USER_MAX,
    })
}

/// What the operator says about the server's place on the web.
fn site(options: &ServeOptions, file: &File) -> Result<Site> {
    let mut site = Site::default();
    if let Some(url) = options.public_url.as_ref().or(file.public_url.as_ref()) {
        site = site.with_public_url(url)?;
    }
    if let Some(origin) = options.web_origin.as_ref().or(file.web_origin.as_ref()) {
        site = site.with_web_origin(origin)?;
    }
    Ok(site)
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
    use std::path::Path;

    use clap::Parser;
    use pan_model::ByteSize;
    use pan_server::Site;

    use super::{File, media, rules, site};
    use crate::cli::{Arguments, Command, ServeOptions};

    fn options(flags: &[&str]) -> ServeOptions {
        let words = [&["openpan", "serve"], flags].concat();
        let Command::Serve(options) = Arguments::parse_from(words).command else { panic!() };
        options
    }

    fn file(text: &str) -> File {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_flag_about_the_rules_beats_the_file() {
        let days = |flags: &[&str], text: &str| {
            rules(&options(flags), &file(text)).unwrap().diff_retention_days
        };
        assert_eq!(days(&[], ""), 90);
        assert_eq!(days(&[], "[diff]\nretention_days = 7\n"), 7);
        assert_eq!(days(&["--diff-retention-days", "3"], "diff.retention_days = 7\n"), 3);
    }

    #[test]
    fn a_flag_about_media_beats_the_file() {
        let data = Path::new("/data");
        let media = |flags: &[&str], text: &str| media(&options(flags), &file(text), data).unwrap();
        let default = media(&[], "");
        assert_eq!(default.cache_dir, data.join("cache"));
        assert_eq!((default.cache_size, default.processes_of_user_max), (ByteSize(2 << 30), 2));
        assert!(default.ffmpeg == Path::new("ffmpeg") && default.processes_max > 0);
        let text = "[media]\nffmpeg = \"/a\"\ncache_dir = \"/b\"\ncache_size = \"3 MiB\"\n\
                    processes_max = 7\n";
        let of_file = media(&[], text);
        assert!(of_file.ffmpeg == Path::new("/a") && of_file.cache_dir == Path::new("/b"));
        assert_eq!((of_file.cache_size, of_file.processes_max), (ByteSize(3 << 20), 7));
        let flags = ["--media-ffmpeg=/c", "--media-cache-dir=/d", "--media-cache-size=4 MiB"];
        let of_flags = media(&[&flags[..], &["--media-processes-max=9"]].concat(), text);
        assert!(of_flags.ffmpeg == Path::new("/c") && of_flags.cache_dir == Path::new("/d"));
        assert_eq!((of_flags.cache_size, of_flags.processes_max), (ByteSize(4 << 20), 9));
    }

    #[test]
    fn a_flag_about_the_site_beats_the_file() {
        let text = "public_url = \"https://a.b\"\nweb_origin = \"https://c.d\"\n";
        let set = |url, origin| {
            Site::default().with_public_url(url).unwrap().with_web_origin(origin).unwrap()
        };
        assert_eq!(site(&options(&[]), &file("")).unwrap(), Site::default());
        assert_eq!(site(&options(&[]), &file(text)).unwrap(), set("https://a.b", "https://c.d"));
        let flags = ["--public-url", "http://e", "--web-origin", "http://f"];
        assert_eq!(site(&options(&flags), &file(text)).unwrap(), set("http://e", "http://f"));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let data = Path::new("/data");
        let wrong = media(&options(&[]), &file("media.cache_size = \"much\"\n"), data).unwrap_err();
        assert!(wrong.to_string().contains("media.cache_size is `much`"), "{wrong}");
        for (text, hint) in [
            ("public_url = \"a.b\"\n", "as in https://pan.example.org"),
            ("web_origin = \"*\"\n", "as in https://photos.example.org"),
        ] {
            let wrong = site(&options(&[]), &file(text)).unwrap_err();
            assert!(wrong.to_string().contains(hint), "{wrong}");
        }
    }
}
