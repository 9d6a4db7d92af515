//! Who a confined process is: nobody, who can become nobody else.

use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};

use super::child::because;

/// The user and group that own nothing.
const NOBODY: u32 = 65534;

/// Gives up every privilege, for good, and dies with the parent from now on.
pub(super) fn drop_all() -> Result<(), String> {
    drop_root()?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none).map_err(because("drop capabilities"))?;
    set_no_new_privs(true).map_err(because("give up new privileges"))?;
    // Last: the kernel forgets it whenever credentials change. A parent that has
    // ended before does not answer any more, which ends this process as well.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(because("die with the parent"))
}

/// Becomes nobody, if it is root.
pub(super) fn drop_root() -> Result<(), String> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setgroups(&[])
        .and_then(|()| setresgid(group, group, group))
        .and_then(|()| setresuid(user, user, user))
        .map_err(because("become nobody"))
}
