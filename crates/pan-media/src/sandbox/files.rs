//! Which files a confined process can reach: Landlock, which holds for whatever
//! it runs later.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};

use super::INPUT_PORT;
use super::child::because;

/// Where the libraries of a system are. Those that do not exist are left out.
const LIBRARIES: [&str; 8] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
];

/// Where the loader looks up libraries.
const LOADER_CACHE: [&str; 1] = ["/etc/ld.so.cache"];

/// Allows no file at all.
pub(super) fn allow_none() -> Result<(), String> {
    handled().and_then(enforce).map_err(because(LAYER))?
}

/// Allows to run a program, with the libraries of the system, and to connect to
/// its input. Nothing can be written.
pub(super) fn allow_program(program: &Path) -> Result<(), String> {
    let file = PathFd::new(program).map_err(|error| format!("cannot run it: {error}"))?;
    let run = AccessFs::ReadFile | AccessFs::Execute;
    let allow = || {
        let rules = handled()?
            .add_rule(PathBeneath::new(file, run))?
            .add_rules(path_beneath_rules(LIBRARIES, run | AccessFs::ReadDir))?
            .add_rules(path_beneath_rules(LOADER_CACHE, AccessFs::ReadFile))?
            .add_rule(NetPort::new(INPUT_PORT, AccessNet::ConnectTcp))?;
        enforce(rules)
    };
    allow().map_err(because(LAYER))?
}

const LAYER: &str = "restrict files (Landlock)";

/// Rules that forbid everything. The kernel must know Landlock; what later
/// kernels can forbid in addition is forbidden where they can.
fn handled() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()
}

fn enforce(rules: RulesetCreated) -> Result<Result<(), String>, RulesetError> {
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::NotEnforced => Err(String::from("this kernel lacks Landlock")),
        _ => Ok(()),
    })
}
