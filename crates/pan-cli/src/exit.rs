//! The exit codes: those of rclone, as far as they are used.

macro_rules! exit_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $meaning:literal;)*) => {
        /// How a command ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Exit {
            $($(#[$doc])* $name = $code,)*
        }

        impl Exit {
            /// Every code, with what it means.
            pub(crate) const TABLE: &[(u8, &str)] = &[$(($code, $meaning),)*];
        }
    };
}

exit_codes! {
    Ok = 0, "everything was done";
    Other = 1, "something failed that has no code of its own";
    Usage = 2, "the command line or the configuration is wrong";
    NoDirectory = 3, "the directory was not found";
    NoFile = 4, "the file was not found";
    Temporary = 5, "a failure that may pass: trying again may help";
    Some = 6, "some items failed, the others were done";
    Fatal = 7, "a failure that will not pass: the token, permissions, no space left";
    MaxTransfer = 8, "--max-transfer was reached";
    NoTransfer = 9, "no file was transferred, and --error-on-no-transfer was given";
    MaxDuration = 10, "--max-duration was reached";
    Interrupted = 130, "interrupted by Ctrl-C";
    Terminated = 143, "ended by SIGTERM";
}

impl Exit {
    /// The number for the system.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

/// The table as the help shows it.
pub(crate) fn table() -> String {
    let lines = Exit::TABLE.iter().map(|(code, meaning)| format!("  {code:>3}  {meaning}\n"));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_manual_has_the_same_table() {
        let manual = include_str!("../../../docs/cli.md");
        for (code, meaning) in Exit::TABLE {
            let row = format!("| {code} | {meaning} |");
            assert!(manual.contains(&row), "{row}");
        }
    }
}
