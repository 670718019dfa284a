//! The seccomp policy as a program that searches by halves: about eight tests for each system call.
//!
//! The kernel runs the program once for each number at load to cache constant answers, so its depth is what loading costs.

use std::io;

use crate::UnixSockets;
use crate::filter_table::{COMMAND, NEWEST};
use crate::sys::bpf::{Insn, load};

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

/// Every `CLONE_NEW*` flag of `clone(2)`.
const NAMESPACES: u32 = 0x7e02_0080;
/// Terminal calls that type for, reconfigure or read another's terminal: TIOCSTI TIOCLINUX TIOCCONS TIOCSETD.
const REFUSED_IOCTLS: [u32; 4] = [0x5412, 0x541c, 0x541d, 0x5423];

/// A loadable policy.
#[derive(Clone)]
pub(crate) struct Filter(Vec<Insn>);

impl Filter {
    /// What a command may call. An unknown or newer number and `clone3` answer ENOSYS, all else EPERM.
    pub(crate) fn command(unix: UnixSockets) -> Self {
        Self(assemble(command_table(unix)))
    }

    /// What a command may call in the host's own namespaces: less than elsewhere, where Landlock does not look.
    ///
    /// No internet socket (Landlock knows ports and no hosts), no change of a file's mode, owner or attributes, its times
    /// by an open descriptor alone, no watch on names, no IPC by key, and bounds and priorities of the caller alone.
    pub(crate) fn bare() -> Self {
        let mut table = command_table(UnixSockets::Refused);
        for &number in BARE_REFUSED {
            set(&mut table, number, vec![ret(EPERM)]);
        }
        set(&mut table, libc::SYS_utimensat, null(1));
        for &(number, who) in OF_THE_CALLER {
            set(&mut table, number, one_of(who, &[0]));
        }
        Self(assemble(table))
    }

    /// What the jail's first process may call once the command runs: wait, signal, talk on its socket, read `/proc`.
    pub(crate) fn first_process() -> Self {
        let mut table = vec![vec![ret(EPERM)]; NEWEST as usize + 1];
        for &number in FIRST_PROCESS {
            set(&mut table, number, vec![ret(ALLOW)]);
        }
        Self(assemble(table))
    }

    /// Puts the calling process under this policy.
    pub(crate) fn load(&self) -> io::Result<()> {
        load(&self.0)
    }

    #[cfg(test)]
    fn answer(&self, arch: u32, number: u32, args: [u32; 3]) -> u32 {
        tests::run(&self.0, arch, number, args)
    }
}

/// The rule of each number for a command.
fn command_table(unix: UnixSockets) -> Vec<Vec<Insn>> {
    let mut table = vec![vec![ret(EPERM)]; NEWEST as usize + 1];
    for &number in COMMAND {
        set(&mut table, number, vec![ret(ALLOW)]);
    }
    set(&mut table, libc::SYS_clone3, vec![ret(ENOSYS)]);
    set(&mut table, libc::SYS_socket, socket_rule(unix));
    set(
        &mut table,
        libc::SYS_clone,
        vec![
            arg(0),
            jump(libc::BPF_JSET, NAMESPACES, 1, 0),
            ret(ALLOW),
            ret(EPERM),
        ],
    );
    // The first process enforces limits by its own: nobody else sets them.
    set(&mut table, libc::SYS_prlimit64, none_of(0, &[1]));
    set(&mut table, libc::SYS_ioctl, none_of(1, &REFUSED_IOCTLS));
    set(
        &mut table,
        libc::SYS_personality,
        one_of(0, &[0, 0x0004_0000, u32::MAX]),
    );
    table
}

/// Refused beside what every command is refused.
const BARE_REFUSED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fsetxattr,
    libc::SYS_fremovexattr,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    452, // fchmodat2
    463, // setxattrat
    466, // removexattrat
    libc::SYS_inotify_add_watch,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semctl,
    libc::SYS_semtimedop,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
];

/// Calls about a process, with the argument that says which; 0 is the caller.
const OF_THE_CALLER: &[(libc::c_long, u32)] = &[
    (libc::SYS_prlimit64, 0),
    (libc::SYS_setpriority, 1),
    (libc::SYS_sched_setaffinity, 0),
    (libc::SYS_sched_setparam, 0),
    (libc::SYS_sched_setscheduler, 0),
    (libc::SYS_sched_setattr, 0),
    (libc::SYS_ioprio_set, 1),
];

const FIRST_PROCESS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_close,
    libc::SYS_openat,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_wait4,
    libc::SYS_kill,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

fn set(table: &mut [Vec<Insn>], number: libc::c_long, rule: Vec<Insn>) {
    if let Some(slot) = usize::try_from(number).ok().and_then(|n| table.get_mut(n)) {
        *slot = rule;
    }
}

fn stmt(code: u32, k: u32) -> Insn {
    Insn {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

fn jump(op: u32, k: u32, jt: u8, jf: u8) -> Insn {
    Insn {
        code: (libc::BPF_JMP | op | libc::BPF_K) as u16,
        jt,
        jf,
        k,
    }
}

fn ret(answer: u32) -> Insn {
    stmt(libc::BPF_RET | libc::BPF_K, answer)
}

/// Loads the low half of an argument (both architectures are little endian); the kernel takes these arguments as 32 bits.
fn arg(index: u32) -> Insn {
    stmt(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 16 + 8 * index)
}

/// Allows when the argument is one of `values`.
fn one_of(index: u32, values: &[u32]) -> Vec<Insn> {
    match_any(index, values, ALLOW, EPERM)
}

/// Allows when the argument, a pointer, is null: both halves count.
fn null(index: u32) -> Vec<Insn> {
    vec![
        stmt(
            libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
            16 + 8 * index + 4,
        ),
        jump(libc::BPF_JEQ, 0, 0, 2),
        arg(index),
        jump(libc::BPF_JEQ, 0, 1, 0),
        ret(EPERM),
        ret(ALLOW),
    ]
}

/// Allows when the argument is none of `values`.
fn none_of(index: u32, values: &[u32]) -> Vec<Insn> {
    match_any(index, values, EPERM, ALLOW)
}

fn match_any(index: u32, values: &[u32], hit: u32, miss: u32) -> Vec<Insn> {
    let mut rule = vec![arg(index)];
    for (i, &value) in values.iter().enumerate() {
        let to_hit = (values.len() - i) as u8; // over the rest and the miss
        rule.push(jump(libc::BPF_JEQ, value, to_hit, 0));
    }
    rule.extend([ret(miss), ret(hit)]);
    rule
}

/// `socket(domain, type, protocol)`: IPv4 and IPv6 with protocol 0, TCP or UDP; the routing socket; AF_UNIX where declared.
fn socket_rule(unix: UnixSockets) -> Vec<Insn> {
    let inet = one_of(2, &[0, libc::IPPROTO_TCP as u32, libc::IPPROTO_UDP as u32]);
    let netlink = one_of(2, &[0]);
    let unix = match unix {
        UnixSockets::Private => vec![ret(ALLOW)],
        UnixSockets::Refused => vec![ret(EPERM)],
    };
    let mut rule = vec![arg(0)];
    for (domain, then) in [(libc::AF_UNIX, unix), (libc::AF_NETLINK, netlink)] {
        rule.push(jump(libc::BPF_JEQ, domain as u32, 0, then.len() as u8));
        rule.extend(then);
    }
    rule.push(jump(libc::BPF_JEQ, libc::AF_INET as u32, 2, 0));
    rule.push(jump(libc::BPF_JEQ, libc::AF_INET6 as u32, 1, 0));
    rule.push(ret(EPERM));
    rule.extend(inet);
    rule
}

/// A number from which on (to the next cut) the same rule holds.
type Cut = (u32, Vec<Insn>);

fn assemble(table: Vec<Vec<Insn>>) -> Vec<Insn> {
    let mut cuts: Vec<Cut> = Vec::new();
    for (number, rule) in (0u32..).zip(table) {
        if cuts.last().is_none_or(|(_, last)| !is_same(last, &rule)) {
            cuts.push((number, rule));
        }
    }
    let mut program = vec![
        stmt(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 4),
        jump(libc::BPF_JEQ, ARCH, 1, 0), // a 32-bit call on a 64-bit kernel
        ret(EPERM),
        stmt(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        jump(libc::BPF_JGE, 0x4000_0000, 0, 1), // the x32 numbers
        ret(EPERM),
        jump(libc::BPF_JGT, NEWEST, 0, 1),
        ret(ENOSYS),
    ];
    program.extend(search(&cuts));
    program
}

fn is_same(a: &[Insn], b: &[Insn]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(x, y)| (x.code, x.jt, x.jf, x.k) == (y.code, y.jt, y.jf, y.k))
}

fn search(cuts: &[Cut]) -> Vec<Insn> {
    let [(_, rule)] = cuts else {
        let (low, high) = cuts.split_at(cuts.len() / 2);
        let (left, right) = (search(low), search(high));
        let pivot = high.first().map_or(u32::MAX, |cut| cut.0);
        let mut program = vec![
            jump(libc::BPF_JGE, pivot, 0, 1),
            stmt(libc::BPF_JMP | libc::BPF_JA, left.len() as u32),
        ];
        program.extend(left);
        program.extend(right);
        return program;
    };
    rule.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interprets the subset of BPF the assembler uses.
    pub(super) fn run(program: &[Insn], arch: u32, number: u32, args: [u32; 3]) -> u32 {
        let (mut pc, mut acc) = (0usize, 0u32);
        loop {
            let i = &program[pc];
            pc += 1;
            let (class, op) = (u32::from(i.code) & 7, u32::from(i.code) & 0xf0);
            let branch = |taken: bool| usize::from(if taken { i.jt } else { i.jf });
            match class {
                libc::BPF_LD => {
                    acc = match i.k {
                        0 => number,
                        4 => arch,
                        k if k % 8 == 4 => 0, // the high half of an argument
                        k => args[(k as usize - 16) / 8],
                    }
                }
                libc::BPF_ALU => acc &= i.k,
                libc::BPF_RET => return i.k,
                libc::BPF_JMP if op == libc::BPF_JA => pc += i.k as usize,
                libc::BPF_JMP if op == libc::BPF_JEQ => pc += branch(acc == i.k),
                libc::BPF_JMP if op == libc::BPF_JGE => pc += branch(acc >= i.k),
                libc::BPF_JMP if op == libc::BPF_JGT => pc += branch(acc > i.k),
                libc::BPF_JMP if op == libc::BPF_JSET => pc += branch(acc & i.k != 0),
                other => panic!("class {other} op {op}"),
            }
        }
    }

    fn default() -> Filter {
        Filter::command(UnixSockets::Refused)
    }

    fn ask(filter: &Filter, number: libc::c_long, args: [u32; 3]) -> u32 {
        filter.answer(ARCH, number as u32, args)
    }

    #[test]
    fn every_number_gets_its_class() {
        let filter = default();
        let special = [
            libc::SYS_clone3,
            libc::SYS_socket,
            libc::SYS_clone,
            libc::SYS_ioctl,
            libc::SYS_personality,
        ];
        for number in 0..=NEWEST {
            let number = libc::c_long::from(number);
            if special.contains(&number) {
                continue;
            }
            let expected = if COMMAND.contains(&number) {
                ALLOW
            } else {
                EPERM
            };
            assert_eq!(ask(&filter, number, [0; 3]), expected, "{number}");
        }
        assert_eq!(ask(&filter, libc::SYS_clone3, [0; 3]), ENOSYS);
        assert_eq!(filter.answer(ARCH, NEWEST + 1, [0; 3]), ENOSYS);
        assert_eq!(filter.answer(ARCH, 0x4000_0000, [0; 3]), EPERM, "x32");
        assert_eq!(filter.answer(0x4000_0003, 1, [0; 3]), EPERM, "i386");
    }

    #[test]
    fn sockets_are_judged_by_domain_and_protocol() {
        let filter = default();
        let socket = |domain: i32, protocol: i32| {
            ask(
                &filter,
                libc::SYS_socket,
                [domain as u32, 1, protocol as u32],
            )
        };
        for (domain, protocol) in [
            (libc::AF_INET, 0),
            (libc::AF_INET6, 6),
            (libc::AF_INET, 17),
            (libc::AF_NETLINK, 0),
        ] {
            assert_eq!(socket(domain, protocol), ALLOW, "{domain} {protocol}");
        }
        for (domain, protocol) in [
            (libc::AF_UNIX, 0),
            (libc::AF_PACKET, 0),
            (libc::AF_VSOCK, 0),
            (libc::AF_NETLINK, 12),
            (libc::AF_INET, 132),
            (libc::AF_ALG, 0),
        ] {
            assert_eq!(socket(domain, protocol), EPERM, "{domain} {protocol}");
        }
        let private = Filter::command(UnixSockets::Private);
        assert_eq!(
            ask(&private, libc::SYS_socket, [libc::AF_UNIX as u32, 1, 0]),
            ALLOW
        );
        assert_eq!(
            ask(&private, libc::SYS_socket, [libc::AF_PACKET as u32, 1, 0]),
            EPERM
        );
    }

    #[test]
    fn in_the_hosts_namespaces_what_landlock_does_not_see_is_refused() {
        let filter = Filter::bare();
        for domain in [
            libc::AF_INET,
            libc::AF_INET6,
            libc::AF_UNIX,
            libc::AF_NETLINK,
        ] {
            let socket = [domain as u32, libc::SOCK_STREAM as u32, 0];
            assert_eq!(ask(&filter, libc::SYS_socket, socket), EPERM, "{domain}");
        }
        for &number in BARE_REFUSED {
            assert_eq!(ask(&filter, number, [0; 3]), EPERM, "{number}");
        }
        for &(number, who) in OF_THE_CALLER {
            let mut args = [0; 3];
            assert_eq!(ask(&filter, number, args), ALLOW, "{number}");
            args[who as usize] = 4711;
            assert_eq!(ask(&filter, number, args), EPERM, "{number}");
        }
        assert_eq!(ask(&filter, libc::SYS_utimensat, [3, 0, 0]), ALLOW);
        assert_eq!(ask(&filter, libc::SYS_utimensat, [3, 1, 0]), EPERM);
        for number in [libc::SYS_socketpair, libc::SYS_mknodat] {
            assert_eq!(ask(&filter, number, [0; 3]), ALLOW, "{number}");
        }
    }

    #[test]
    fn clone_makes_threads_and_processes_but_no_namespace() {
        let filter = default();
        assert_eq!(
            ask(&filter, libc::SYS_clone, [libc::SIGCHLD as u32, 0, 0]),
            ALLOW
        );
        for flag in [
            libc::CLONE_NEWUSER,
            libc::CLONE_NEWNS,
            libc::CLONE_NEWNET,
            libc::CLONE_NEWPID,
        ] {
            assert_eq!(ask(&filter, libc::SYS_clone, [flag as u32, 0, 0]), EPERM);
        }
    }

    #[test]
    fn typing_into_a_terminal_is_refused_and_asking_its_size_is_not() {
        let filter = default();
        assert_eq!(
            ask(&filter, libc::SYS_ioctl, [0, libc::TIOCSTI as u32, 0]),
            EPERM
        );
        assert_eq!(
            ask(&filter, libc::SYS_ioctl, [0, libc::TIOCGWINSZ as u32, 0]),
            ALLOW
        );
    }

    #[test]
    fn the_first_process_can_neither_execute_nor_connect() {
        let filter = Filter::first_process();
        for number in [
            libc::SYS_execve,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_clone,
            libc::SYS_mount,
            libc::SYS_ptrace,
        ] {
            assert_eq!(ask(&filter, number, [0; 3]), EPERM);
        }
        assert_eq!(ask(&filter, libc::SYS_wait4, [0; 3]), ALLOW);
    }
}
