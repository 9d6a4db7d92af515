//! A network in which there is nobody else.

use std::fs;
use std::io;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with,
};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::child::because;
use super::privileges;

/// Enters a network of its own, with 127.0.0.1 and nothing else, and leaves the
/// other names that processes find one another by.
pub(super) fn enter() -> Result<(), String> {
    let names = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    if unshare(names).is_err() {
        enter_as_user(names)?;
    }
    raise_loopback().map_err(because("raise the loopback of a network of its own"))
}

/// Enters them by way of a user namespace, in which a plain user may.
fn enter_as_user(names: CloneFlags) -> Result<(), String> {
    privileges::drop_root()?;
    // Who has changed its user owns its files in /proc only when it is dumpable.
    set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(because("become dumpable"))?;
    let (user, group) = (geteuid(), getegid());
    unshare(names | CloneFlags::CLONE_NEWUSER).map_err(because("make a network of its own"))?;
    let map = |file, text: String| fs::write(file, text);
    map("/proc/self/uid_map", format!("{user} {user} 1"))
        .and_then(|()| map("/proc/self/setgroups", String::from("deny")))
        .and_then(|()| map("/proc/self/gid_map", format!("{group} {group} 1")))
        .map_err(because("map its user"))
}

/// The request that raises interface 1, which is the loopback of every network:
/// `struct nlmsghdr` and `struct ifinfomsg` of rtnetlink(7).
fn raise_request() -> Vec<u8> {
    const LENGTH: u32 = 32;
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 0x5;
    const LOOPBACK: u32 = 1;
    const IFF_UP: u32 = 1;
    let mut request = Vec::with_capacity(LENGTH as usize);
    request.extend(LENGTH.to_ne_bytes());
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    request.extend([0; 8]); // sequence, port
    request.extend([0; 4]); // family, type
    request.extend(LOOPBACK.to_ne_bytes());
    request.extend(IFF_UP.to_ne_bytes()); // flags
    request.extend(IFF_UP.to_ne_bytes()); // which of them change
    request
}

fn raise_loopback() -> io::Result<()> {
    let netlink = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&netlink, &raise_request(), SendFlags::empty(), &kernel)?;
    let mut answer = [0; 256];
    let (length, _) = recv(&netlink, &mut answer, RecvFlags::empty())?;
    // The answer is a header of 16 bytes and a negative errno, or 0.
    match answer.get(16..20).filter(|_| length >= 20) {
        Some(&[0, 0, 0, 0]) => Ok(()),
        Some(&[a, b, c, d]) => {
            let code = i32::from_ne_bytes([a, b, c, d]);
            Err(io::Error::from_raw_os_error(code.saturating_neg()))
        }
        _ => Err(io::Error::other("no answer from the kernel")),
    }
}
