//! Which system calls a confined process can make: seccomp, which holds for
//! whatever it runs later.
//!
//! A list of what is allowed, not of what is forbidden: calls that a newer
//! kernel adds, and the second numbering of x86-64 (x32), are out by themselves.
//! Everything else answers "no such call" ([`libc::ENOSYS`]), for which the C
//! library falls back to older calls.

use libc::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER,
    CLONE_NEWUTS, CLONE_THREAD,
};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

use super::child::because;

type Rules = (i64, Vec<SeccompRule>);
type Outcome<T> = Result<T, seccompiler::BackendError>;

/// To compute, with what is open already.
const COMPUTING: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// To be a program with libraries, threads and a connection, beyond that. Which
/// files it can open and whom it can reach is the matter of the other layers.
const RUNNING: &[i64] = &[
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_connect,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_execve,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpeername,
    libc::SYS_getppid,
    libc::SYS_getrusage,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettimeofday,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_membarrier,
    libc::SYS_mlock,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munlock,
    libc::SYS_nanosleep,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_pselect6,
    libc::SYS_readlinkat,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_rseq,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_statx,
    libc::SYS_sysinfo,
    libc::SYS_times,
    libc::SYS_uname,
];

/// The older calls of x86-64 that newer architectures never had.
#[cfg(target_arch = "x86_64")]
const OLDER: &[i64] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_epoll_wait,
    libc::SYS_getrlimit,
    libc::SYS_lstat,
    libc::SYS_open,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[i64] = &[];

/// Allows to compute and to use what is open, with one thread.
pub(super) fn allow_computing() -> Result<(), String> {
    apply(&[COMPUTING], computing_rules())
}

/// Allows what programs need: threads but no processes, TCP but no other socket.
pub(super) fn allow_program() -> Result<(), String> {
    apply(&[COMPUTING, RUNNING, OLDER], program_rules())
}

/// Memory that is not code.
fn computing_rules() -> Outcome<Vec<Rules>> {
    let data = || Ok(vec![rule(&[is(2, MaskedEq(libc::PROT_EXEC as u64), 0)?])?]);
    Ok(vec![(libc::SYS_mmap, data()?), (libc::SYS_mprotect, data()?), own_signals()?])
}

fn program_rules() -> Outcome<Vec<Rules>> {
    let new_names = CLONE_NEWNS
        | CLONE_NEWUTS
        | CLONE_NEWIPC
        | CLONE_NEWUSER
        | CLONE_NEWPID
        | CLONE_NEWNET
        | CLONE_NEWCGROUP;
    let thread = MaskedEq((CLONE_THREAD | new_names) as u64);
    let socket = [
        is(0, Eq, libc::AF_INET as u64)?,
        // The rest of the bits are flags.
        is(1, MaskedEq(0xf), libc::SOCK_STREAM as u64)?,
    ];
    let [tcp, default] = [libc::IPPROTO_TCP, 0].map(|protocol| is(2, Eq, protocol as u64));
    let with = |last| -> Outcome<_> { rule(&[socket[0].clone(), socket[1].clone(), last]) };
    Ok(vec![
        (libc::SYS_clone, vec![rule(&[is(0, thread, CLONE_THREAD as u64)?])?]),
        (libc::SYS_socket, vec![with(tcp?)?, with(default?)?]),
        // Its own limits, and not those of others of the same user.
        (libc::SYS_prlimit64, vec![rule(&[is(0, Eq, 0)?])?]),
        // Not whether it dies with its parent.
        (libc::SYS_prctl, any_of(0, &[libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64])?),
        (
            libc::SYS_ioctl,
            any_of(1, &[libc::FIOCLEX, libc::FIONBIO, libc::FIONREAD, libc::TCGETS])?,
        ),
        // Not who is signalled when something can be read.
        (libc::SYS_fcntl, any_of(1, &DESCRIPTORS.map(|command| command as u64))?),
        own_signals()?,
    ])
}

/// What a program may do to its descriptors.
const DESCRIPTORS: [i32; 6] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
];

/// Signals to a thread of its own: how a program aborts.
fn own_signals() -> Outcome<Rules> {
    let own = rule(&[is(0, Eq, u64::from(std::process::id()))?])?;
    Ok((libc::SYS_tgkill, vec![own]))
}

fn any_of(argument: u8, values: &[u64]) -> Outcome<Vec<SeccompRule>> {
    values.iter().map(|value| rule(&[is(argument, Eq, *value)?])).collect()
}

fn rule(conditions: &[SeccompCondition]) -> Outcome<SeccompRule> {
    SeccompRule::new(conditions.to_vec())
}

/// Every argument that is looked at is an `int`: the kernel ignores its upper
/// half, and so must a rule.
fn is(argument: u8, relation: SeccompCmpOp, value: u64) -> Outcome<SeccompCondition> {
    SeccompCondition::new(argument, Dword, relation, value)
}

fn apply(lists: &[&[i64]], conditional: Outcome<Vec<Rules>>) -> Result<(), String> {
    let filter = || -> Outcome<BpfProgram> {
        let plain = lists.iter().copied().flatten().map(|call| (*call, Vec::new()));
        SeccompFilter::new(
            plain.chain(conditional?).collect(),
            SeccompAction::Errno(libc::ENOSYS as u32),
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into()?,
        )?
        .try_into()
    };
    let filter = filter().map_err(because(LAYER))?;
    apply_filter(&filter).map_err(because(LAYER))
}

const LAYER: &str = "restrict system calls (seccomp)";
