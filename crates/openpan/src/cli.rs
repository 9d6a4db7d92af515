//! The command line. Every option is also an environment variable.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use pan_core::RapidUploadScope;
use pan_model::ByteSize;
use serde::Deserialize;

/// A personal cloud storage that speaks the Baidu PCS REST API.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where everything is, and what is said about it.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Where data is kept [default: ./openpan-data]
    #[arg(long, global = true, env = "OPENPAN_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Settings [default: openpan.toml in the data directory, if it is there]
    #[arg(long, global = true, env = "OPENPAN_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// What is logged, as in `info,access=info` (requests) or `debug`
    /// [default: info,access=off]
    #[arg(long, global = true, env = "OPENPAN_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves until SIGTERM or Ctrl-C; sets itself up on an empty data directory.
    Serve(ServeOptions),
    /// Adds, lists and changes users.
    #[command(subcommand)]
    User(UserCommand),
    /// Issues access tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Checks every invariant of the stored data; exits 0 only if all hold.
    Check {
        /// Reads and verifies every stored byte as well.
        #[arg(long)]
        read_data: bool,
    },
    /// Reads every stored byte now and names the files that are damaged.
    ///
    /// Exits 0 only if there are none. They are healed by uploading the same
    /// bytes again.
    Scrub,
    /// Frees what nothing points to any more, as far as it is due.
    Gc,
    /// Copies everything into a directory, also while the server runs.
    ///
    /// Again into the same directory copies only what is new. Exits 0 only if
    /// nothing was damaged.
    Backup {
        /// Empty or not there, or an earlier backup. `openpan serve` can serve it.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Writes all metadata as text, as they are at one moment.
    ///
    /// Small contents are among them, blobs are not: `backup` copies both.
    Dump {
        /// A file, or `-` for stdout.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Makes the metadata of a new data directory from a dump.
    Load {
        /// A file, or `-` for stdin.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where plain HTTP is served; port 0 picks a free one [default: 127.0.0.1:8800]
    #[arg(long, env = "OPENPAN_LISTEN", value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,

    /// Where HTTPS is served; needs a certificate.
    #[arg(long, env = "OPENPAN_TLS_LISTEN", value_name = "HOST:PORT")]
    pub(crate) tls_listen: Option<String>,

    /// The certificate chain, PEM.
    #[arg(long, env = "OPENPAN_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key, PEM.
    #[arg(long, env = "OPENPAN_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Makes a certificate for trials, once, in the data directory.
    #[arg(
        long,
        env = "OPENPAN_TLS_SELF_SIGNED",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) tls_self_signed: Option<bool>,

    /// How long deleted entries stay in the recycle bin [default: 10]
    #[arg(long, env = "OPENPAN_RECYCLE_RETENTION_DAYS", value_name = "DAYS")]
    pub(crate) recycle_retention_days: Option<u32>,

    /// How much a recycle bin may hold, in quotas of its user [default: 2.0]
    #[arg(long, env = "OPENPAN_RECYCLE_LIMIT_RATIO", value_name = "NUMBER")]
    pub(crate) recycle_limit_ratio: Option<f64>,

    /// Among whose contents rapid upload looks [default: token]
    #[arg(long, env = "OPENPAN_RAPID_UPLOAD_SCOPE", value_name = "SCOPE")]
    pub(crate) rapid_upload_scope: Option<ScopeArgument>,

    /// How long changes are remembered for `diff` [default: 90]
    #[arg(long, env = "OPENPAN_DIFF_RETENTION_DAYS", value_name = "DAYS")]
    pub(crate) diff_retention_days: Option<NonZeroU32>,

    /// The URL that players reach the server at, when a proxy is in front of it
    /// [default: what the request was sent to]
    #[arg(long, env = "OPENPAN_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// The origin of a web page that may fetch thumbnails and video, as in
    /// `https://photos.example.org` [default: none]
    #[arg(long, env = "OPENPAN_WEB_ORIGIN", value_name = "ORIGIN")]
    pub(crate) web_origin: Option<String>,

    /// The transcoder, a name or a path; ffprobe lies beside it [default: ffmpeg]
    #[arg(long, env = "OPENPAN_MEDIA_FFMPEG", value_name = "FILE")]
    pub(crate) media_ffmpeg: Option<PathBuf>,

    /// Where thumbnails and pieces of video are kept; it can be deleted at any
    /// time [default: `cache` in the data directory]
    #[arg(long, env = "OPENPAN_MEDIA_CACHE_DIR", value_name = "DIR")]
    pub(crate) media_cache_dir: Option<PathBuf>,

    /// How much of them is kept, as in `500 MiB` [default: 2 GiB]
    #[arg(long, env = "OPENPAN_MEDIA_CACHE_SIZE", value_name = "SIZE")]
    pub(crate) media_cache_size: Option<ByteSize>,

    /// How many processes decode pictures and video at once [default: one for
    /// each core]
    #[arg(long, env = "OPENPAN_MEDIA_PROCESSES_MAX", value_name = "NUMBER")]
    pub(crate) media_processes_max: Option<NonZeroU32>,
}

/// Among whose contents rapid upload looks.
#[derive(Debug, Clone, Copy, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScopeArgument {
    /// What the token can see.
    Token,
    /// Everything: whoever knows the digests of a file gets the file.
    Instance,
}

impl From<ScopeArgument> for RapidUploadScope {
    fn from(scope: ScopeArgument) -> Self {
        match scope {
            ScopeArgument::Token => Self::Token,
            ScopeArgument::Instance => Self::Instance,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Adds a user.
    Add {
        /// 1 to 64 letters, digits, `.`, `_`, `-` or `@`.
        name: String,
        /// The most that live files may have together, as in `500G` [default: unlimited]
        #[arg(long, value_name = "SIZE")]
        quota: Option<ByteSize>,
    },
    /// Lists users: name, quota, state.
    List,
    /// Changes a user's quota.
    SetQuota {
        /// The user.
        name: String,
        /// The most that live files may have together, as in `500G`.
        quota: ByteSize,
    },
    /// Shuts a user out: every token is refused.
    Disable {
        /// The user.
        name: String,
    },
    /// Lets a user in again.
    Enable {
        /// The user.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Issues a token and prints it, nothing else. It cannot be shown again.
    Issue {
        /// Whose token.
        #[arg(long)]
        user: String,
        /// The directory that the token is confined to; made when missing.
        #[arg(long, default_value = "/", value_name = "PATH")]
        root: String,
        /// How long the token lasts, as in `12h` or `30d` [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
        expires: Option<u64>,
        /// Which names the token may create.
        #[arg(long, value_enum, default_value_t = PathRulesArgument::Pcs)]
        path_rules: PathRulesArgument,
        /// How md5 values are written in replies.
        #[arg(long, value_enum, default_value_t = Md5StyleArgument::Plain)]
        md5_style: Md5StyleArgument,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PathRulesArgument {
    /// Those of the PCS book: none of `\ ? | " > < : *`, no dot or blank at either end.
    Pcs,
    /// Any name without a slash or a control character.
    Relaxed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Md5StyleArgument {
    /// 32 hex digits.
    Plain,
    /// The scrambled form that bypy compares with.
    Baidu,
}

/// Reads `90`, `90s`, `15m`, `12h`, `30d`.
fn parse_seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write it as 90s, 15m, 12h or 30d");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Arguments, parse_seconds};

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_read() {
        assert_eq!(parse_seconds("90"), Ok(90));
        assert_eq!(parse_seconds("30d"), Ok(2_592_000));
        for text in ["", "d", "-1", "1w", "1.5h", "99999999999999999999d"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
