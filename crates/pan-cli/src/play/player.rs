//! The program that shows a video.

use std::env;
use std::io;

use pan_sdk::reqwest::Url;
use tokio::process::{Child, Command};

use crate::failure::Failure;

/// What is looked for where nothing was chosen.
const USUAL: [&str; 3] = ["mpv", "vlc", "ffplay"];

/// A player that runs. It ends with this.
pub(crate) struct Player {
    name: String,
    child: Child,
}

impl Player {
    /// Starts what was chosen, or the first of the usual ones that is here;
    /// none where nobody could see it.
    pub(crate) fn start(chosen: Option<&str>, url: &Url) -> Result<Option<Self>, Failure> {
        let variable = env::var("OPENPAN_PLAYER").ok();
        let chosen = chosen.or(variable.as_deref()).filter(|command| !command.trim().is_empty());
        if let Some(command) = chosen {
            return match Self::try_start(command, url) {
                Ok(player) => Ok(Some(player)),
                Err(error) => {
                    let failure = Failure::other(format!("cannot start `{command}`: {error}"));
                    Err(failure.hint("`--player COMMAND` or OPENPAN_PLAYER says what plays videos"))
                }
            };
        }
        if !has_display() {
            return Ok(None);
        }
        Ok(USUAL.iter().find_map(|command| Self::try_start(command, url).ok()))
    }

    /// The words of a command are a program and its options.
    fn try_start(command: &str, url: &Url) -> io::Result<Self> {
        let mut words = command.split_whitespace();
        let name = words.next().unwrap_or_default();
        let child = Command::new(name).args(words).arg(url.as_str()).kill_on_drop(true).spawn()?;
        Ok(Self { name: name.to_owned(), child })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Result<(), Failure> {
        match self.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::other(format!("`{}` ended with {status}", self.name))),
            Err(error) => Err(Failure::other(format!("cannot wait for `{}`: {error}", self.name))),
        }
    }
}

fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
