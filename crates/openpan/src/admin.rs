//! The administrative commands: through the control socket of the server that
//! has the data directory, or on the directory itself.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use pan_core::{Pan, Settings};
use pan_engine::NoMedia;
use pan_server::admin::{AdminReply, AdminRequest, ask, perform};

use crate::cli::{Command, Md5StyleArgument, PathRulesArgument, TokenCommand, UserCommand};
use crate::data_dir::{self, DataDir, control_socket};
use crate::output::Output;
use crate::{backup, open, system};

/// A server that has just begun has the lock before it has the socket.
const SOCKET_PATIENCE: Duration = Duration::from_secs(5);

/// Runs a command and prints what came of it.
pub(crate) async fn run(directory: &Path, command: Command) -> Result<ExitCode> {
    backup::refuse_beginning(directory)?;
    if !data_dir::is_set_up(directory) {
        bail!("{} holds no data of OpenPan; `openpan serve` sets it up", directory.display());
    }
    let mut out = Output::open(&command)?;
    let request = request(command)?;
    let mut told = |reply| match reply {
        AdminReply::Text(text) => out.write(text),
        AdminReply::Note(note) => writeln!(std::io::stderr(), "{note}"),
        _ => Ok(()),
    };
    let reply = match DataDir::take(directory)? {
        Some(taken) => {
            let pan = open::open(&taken, Settings::default(), Arc::new(NoMedia))?;
            if request.is_change() {
                backup::adopt(directory)?;
            }
            do_here(&pan, request, &mut told).await?
        }
        None => ask_server(directory, &request, &mut told).await?,
    };
    if !matches!(reply, AdminReply::Failed(_)) {
        out.finish()?;
    }
    tell(reply)
}

/// Takes what comes before the last reply.
type Told<'t> = &'t mut (dyn FnMut(AdminReply) -> std::io::Result<()> + Send);

async fn do_here(pan: &Pan, request: AdminRequest, told: Told<'_>) -> Result<AdminReply> {
    let mut answers = perform(pan, request, system::unix_seconds());
    while let Some(reply) = answers.recv().await {
        if reply.is_last() {
            return Ok(reply);
        }
        told(reply)?;
    }
    bail!("it ended without saying how")
}

async fn ask_server(
    directory: &Path,
    request: &AdminRequest,
    told: Told<'_>,
) -> Result<AdminReply> {
    let socket = control_socket(directory);
    let begun = Instant::now();
    loop {
        match ask(&socket, request, told).await {
            Ok(reply) => return Ok(reply),
            Err(error) if is_not_there_yet(&error) && begun.elapsed() < SOCKET_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("could not speak to the server that has {} open", directory.display())
                });
            }
        }
    }
}

fn is_not_there_yet(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused)
}

fn tell(reply: AdminReply) -> Result<ExitCode> {
    let (lines, code) = match reply {
        AdminReply::Done(lines) => (lines, ExitCode::SUCCESS),
        AdminReply::Found(lines) => (lines, ExitCode::FAILURE),
        AdminReply::Failed(why) => bail!(why),
        AdminReply::Text(line) | AdminReply::Note(line) => (vec![line], ExitCode::SUCCESS),
    };
    for line in lines {
        println!("{line}");
    }
    Ok(code)
}

fn request(command: Command) -> Result<AdminRequest> {
    Ok(match command {
        Command::Serve(_) | Command::Load { .. } => {
            bail!("that is no administrative command")
        }
        Command::User(UserCommand::Add { name, quota }) => {
            AdminRequest::UserAdd { name, quota: quota.map(|quota| quota.0) }
        }
        Command::User(UserCommand::List) => AdminRequest::UserList,
        Command::User(UserCommand::SetQuota { name, quota }) => {
            AdminRequest::UserSetQuota { name, quota: quota.0 }
        }
        Command::User(UserCommand::Disable { name }) => {
            AdminRequest::UserDisable { name, disabled: true }
        }
        Command::User(UserCommand::Enable { name }) => {
            AdminRequest::UserDisable { name, disabled: false }
        }
        Command::Token(TokenCommand::Issue { user, root, expires, path_rules, md5_style }) => {
            let path_rules = match path_rules {
                PathRulesArgument::Pcs => "pcs",
                PathRulesArgument::Relaxed => "relaxed",
            };
            let md5_style = match md5_style {
                Md5StyleArgument::Plain => "plain",
                Md5StyleArgument::Baidu => "baidu",
            };
            AdminRequest::TokenIssue {
                user,
                root,
                expires_seconds: expires,
                path_rules: path_rules.into(),
                md5_style: md5_style.into(),
            }
        }
        Command::Check { read_data } => AdminRequest::Check { read_data },
        Command::Scrub => AdminRequest::Scrub,
        Command::Gc => AdminRequest::Gc,
        Command::Backup { directory } => AdminRequest::Backup { place: absolute(&directory)? },
        Command::Dump { .. } => AdminRequest::Dump,
    })
}

/// A path in words that a server that runs elsewhere understands.
fn absolute(path: &Path) -> Result<String> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|path| anyhow!("{} is not UTF-8", Path::new(&path).display()))
}
