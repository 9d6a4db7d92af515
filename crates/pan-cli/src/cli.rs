//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::failure::Failure;
use crate::session::Session;
use crate::{
    cat, check, completion, cp, df, diff, du, exit, find, get, login, logout, ls, man, media,
    mkdir, mv, play, put, quota, recycle, rm, stat, sync, thumb, tree, whoami,
};

/// Files in a personal cloud storage.
#[derive(Debug, Parser)]
#[command(name = "pan", version, after_help = epilogue(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalOptions {
    /// Where the service is: http://HOST:PORT, or `baidu` [env: OPENPAN_ENDPOINT]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) endpoint: Option<String>,
    /// The access token; other users of this machine may see it [env: OPENPAN_TOKEN]
    #[arg(
        long,
        global = true,
        allow_hyphen_values = true,
        conflicts_with = "token_file",
        help_heading = "Global options"
    )]
    pub(crate) token: Option<String>,
    /// A file whose first line is the access token [env: OPENPAN_TOKEN_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) token_file: Option<PathBuf>,
    /// Which profile of the configuration to use [env: OPENPAN_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) profile: Option<String>,
    /// Trust the certificates in this PEM file too [env: OPENPAN_CA_FILE]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Take `*`, `?`, `[` and `{` in remote paths as they are
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_glob: bool,
    /// Print one JSON object a line
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Print errors only: no progress, no notes
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Print what is done, a line each, in place of progress bars
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ls(ls::LsArgs),
    Tree(tree::TreeArgs),
    Put(put::PutArgs),
    Get(get::GetArgs),
    Sync(sync::SyncArgs),
    Cat(cat::CatArgs),
    Mkdir(mkdir::MkdirArgs),
    Mv(mv::MvArgs),
    Cp(cp::CpArgs),
    Rm(rm::RmArgs),
    Check(check::CheckArgs),
    Recycle(recycle::RecycleArgs),
    Stat(stat::StatArgs),
    Diff(diff::DiffArgs),
    Find(find::FindArgs),
    Media(media::MediaArgs),
    Thumb(thumb::ThumbArgs),
    Play(play::PlayArgs),
    Du(du::DuArgs),
    Df(df::DfArgs),
    Quota(quota::QuotaArgs),
    Login(login::LoginArgs),
    Whoami(whoami::WhoamiArgs),
    Logout(logout::LogoutArgs),
    Completion(completion::CompletionArgs),
    Man(man::ManArgs),
}

impl Command {
    pub(crate) async fn run(self, session: &Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Ls(args) => ls::run(session, args).await,
            Self::Tree(args) => tree::run(session, args).await,
            Self::Put(args) => put::run(session, args).await,
            Self::Get(args) => get::run(session, args).await,
            Self::Sync(args) => sync::run(session, args).await,
            Self::Cat(args) => cat::run(session, args).await,
            Self::Mkdir(args) => mkdir::run(session, args).await,
            Self::Mv(args) => mv::run(session, args).await,
            Self::Cp(args) => cp::run(session, args).await,
            Self::Rm(args) => rm::run(session, args).await,
            Self::Check(args) => check::run(session, args).await,
            Self::Recycle(args) => recycle::run(session, args).await,
            Self::Stat(args) => stat::run(session, args).await,
            Self::Diff(args) => diff::run(session, args).await,
            Self::Find(args) => find::run(session, args).await,
            Self::Media(args) => media::run(session, args).await,
            Self::Thumb(args) => thumb::run(session, args).await,
            Self::Play(args) => play::run(session, args).await,
            Self::Du(args) => du::run(session, args).await,
            Self::Df(args) => df::run(session, args).await,
            Self::Quota(args) => quota::run(session, args).await,
            Self::Login(args) => login::run(session, args).await,
            Self::Whoami(args) => whoami::run(session, args).await,
            Self::Logout(args) => logout::run(session, args),
            Self::Completion(args) => completion::run(session, &args),
            Self::Man(args) => man::run(session, &args),
        }
    }
}

fn epilogue() -> String {
    format!(
        "Remote paths begin with `/`, or with the name of a profile: `home:/photos`.\n\n\
         Exit codes:\n{}",
        exit::table()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_is_in_the_manual() {
        let manual = include_str!("../../../docs/cli.md");
        for command in Cli::command().get_subcommands() {
            let heading = format!("### pan {}", command.get_name());
            assert!(manual.contains(&heading), "{heading}");
            let nested = command.get_subcommands().flat_map(clap::Command::get_arguments);
            for argument in command.get_arguments().chain(nested) {
                let Some(option) = argument.get_long() else { continue };
                assert!(manual.contains(&format!("--{option}")), "--{option}");
            }
        }
    }
}
