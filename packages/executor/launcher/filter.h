/*
 * The system call filter. Node's own needs were found by tracing Node 20, 22, 24 and 26; what is not needed by a
 * process that computes and talks over the descriptors it was given is refused. A refused call fails as it would on a
 * machine without that feature or right, so Node and its libraries take their ordinary fallback.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/*
 * The last call that existed when this list was written down (Linux 5.17, set_mempolicy_home_node: 450 on both
 * targets). Later calls are answered as a kernel of that time would: "no such call". So a call that is invented
 * tomorrow is not open by default.
 */
#define LAST_KNOWN_CALL 450
/* x86-64 only: numbers with this bit are the x32 variants of the same calls. */
#define X32_BIT 0x40000000
/* Numbers that no call had then. Linux 6.11 began to fill the gap of x86-64, with uretprobe: no filter is asked about it, and it ends whoever makes it. */
#if defined(__x86_64__)
#define GAP_FIRST 335
#define GAP_LAST 423
#else
#define GAP_FIRST 295
#define GAP_LAST 402
#endif

#define REFUSE(code) (SECCOMP_RET_ERRNO | (code))

/* Refused with EPERM whatever the arguments. */
static const short refused[] = {
  /* The network. Descriptor 3 is the only way out; a socket pair between two ends of our own stays possible. */
  __NR_socket, __NR_connect, __NR_bind, __NR_listen, __NR_accept, __NR_accept4, __NR_recvmmsg, __NR_sendmmsg, __NR_sendmsg,
  __NR_recvmsg, __NR_setsockopt,
  /* Locks on the files that all sandboxes have open are messages between them; so is a full table of timers of one user. */
  __NR_flock, __NR_timer_create,
  /* Other processes: signals, memory, descriptors, priorities, groups. */
  __NR_kill, __NR_rt_sigqueueinfo, __NR_rt_tgsigqueueinfo, __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_process_madvise,
  __NR_process_mrelease, __NR_kcmp, __NR_pidfd_open, __NR_pidfd_getfd, __NR_pidfd_send_signal, __NR_setpriority, __NR_ioprio_set, __NR_sched_setaffinity,
  __NR_sched_setscheduler, __NR_sched_setparam, __NR_sched_setattr, __NR_setpgid, __NR_setsid, __NR_move_pages, __NR_migrate_pages, __NR_set_mempolicy,
  __NR_mbind, __NR_set_mempolicy_home_node, __NR_get_robust_list,
  /* Other programs. `execveat` is handled below: the launcher itself needs it once. */
  __NR_execve,
  /* Memory and messages that other processes can share, or that no limit counts. */
  __NR_memfd_create, __NR_memfd_secret, __NR_shmget, __NR_shmat, __NR_shmctl, __NR_shmdt, __NR_semget, __NR_semctl, __NR_semop, __NR_semtimedop, __NR_msgget,
  __NR_msgsnd, __NR_msgrcv, __NR_msgctl, __NR_mq_open, __NR_mq_unlink, __NR_mq_timedsend, __NR_mq_timedreceive, __NR_mq_notify, __NR_mq_getsetattr,
  __NR_mlock, __NR_mlock2, __NR_mlockall,
  /* Identity, namespaces, limits, and what would loosen the sandbox. */
  __NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid, __NR_setfsuid, __NR_setfsgid, __NR_setgroups, __NR_capset,
  __NR_setrlimit, __NR_personality, __NR_unshare, __NR_setns, __NR_seccomp, __NR_landlock_create_ruleset, __NR_landlock_add_rule,
  __NR_landlock_restrict_self,
  /* Kernel interfaces with a history of escapes, and watching. */
  __NR_bpf, __NR_perf_event_open, __NR_userfaultfd, __NR_keyctl, __NR_add_key, __NR_request_key, __NR_fanotify_init, __NR_fanotify_mark,
  __NR_inotify_init1, __NR_inotify_add_watch, __NR_vmsplice, __NR_splice, __NR_tee, __NR_remap_file_pages,
  __NR_lookup_dcookie,
  /* The machine. */
  __NR_mount, __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_move_mount, __NR_open_tree, __NR_fsopen, __NR_fsconfig, __NR_fsmount, __NR_fspick,
  __NR_mount_setattr, __NR_quotactl, __NR_quotactl_fd, __NR_swapon, __NR_swapoff, __NR_reboot, __NR_kexec_load, __NR_kexec_file_load, __NR_init_module,
  __NR_finit_module, __NR_delete_module, __NR_acct, __NR_syslog, __NR_sethostname, __NR_setdomainname, __NR_settimeofday, __NR_clock_settime,
  __NR_adjtimex, __NR_clock_adjtime, __NR_vhangup, __NR_nfsservctl, __NR_sync, __NR_syncfs,
  /*
   * Files by path. Landlock decides on opening and making, but not on looking at, changing the mode of, or stepping
   * into what is there; Node needs none of it after it has been started.
   */
  __NR_chdir, __NR_fchdir, __NR_faccessat, __NR_faccessat2, __NR_readlinkat, __NR_statfs, __NR_fchmod, __NR_fchmodat, __NR_fchown, __NR_fchownat,
  __NR_utimensat, __NR_truncate, __NR_ftruncate, __NR_fallocate, __NR_mkdirat, __NR_mknodat, __NR_unlinkat, __NR_symlinkat, __NR_linkat, __NR_renameat2,
  __NR_setxattr, __NR_lsetxattr, __NR_fsetxattr, __NR_getxattr, __NR_lgetxattr, __NR_fgetxattr, __NR_listxattr, __NR_llistxattr, __NR_flistxattr,
  __NR_removexattr, __NR_lremovexattr, __NR_fremovexattr, __NR_name_to_handle_at, __NR_open_by_handle_at, __NR_renameat,
#if defined(__x86_64__)
  __NR_access, __NR_stat, __NR_lstat, __NR_readlink, __NR_chmod, __NR_chown, __NR_lchown, __NR_utime, __NR_utimes, __NR_futimesat, __NR_mkdir, __NR_rmdir,
  __NR_mknod, __NR_unlink, __NR_symlink, __NR_link, __NR_rename, __NR_creat, __NR_ustat, __NR_inotify_init, __NR_fork, __NR_vfork, __NR_iopl, __NR_ioperm,
  __NR_modify_ldt, __NR_uselib, __NR__sysctl, __NR_sysfs, __NR_create_module, __NR_get_kernel_syms, __NR_query_module,
#endif
};

/* Answered with ENOSYS: libraries then use the older call that can be checked by its arguments. */
static const short absent[] = { __NR_clone3, __NR_openat2, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register, __NR_io_setup,
  __NR_epoll_pwait2 };

struct program {
  struct sock_filter code[700];
  unsigned short length;
};

static void emit(struct program *program, unsigned short code, unsigned char yes, unsigned char no, unsigned operand)
{
  if (program->length == sizeof program->code / sizeof *program->code) refuse("build the system call filter", "", -E2BIG);
  program->code[program->length++] = (struct sock_filter){ code, yes, no, operand };
}

static void give(struct program *program, unsigned verdict) { emit(program, BPF_RET | BPF_K, 0, 0, verdict); }
static void load(struct program *program, size_t offset) { emit(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offset); }
/* The lower and the upper half of an argument; both targets are little-endian. */
#define LOW(index) (offsetof(struct seccomp_data, args) + 8 * (index))
#define HIGH(index) (LOW(index) + 4)

/* Opens a block for one call: the next `size` instructions run for that call only, and must all end in a verdict. */
static void only(struct program *program, unsigned number, unsigned char size) { emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, size, number); }

/* Allows a call when half an argument has (or has not) one of `bits`. */
static void by_bits(struct program *program, unsigned number, size_t half, unsigned bits, int wanted, unsigned other)
{
  only(program, number, 4);
  load(program, half);
  emit(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
  give(program, wanted ? SECCOMP_RET_ALLOW : other);
  give(program, wanted ? other : SECCOMP_RET_ALLOW);
}

/* Allows a call when half an argument is (or is not) among some values. */
static void by_values(struct program *program, unsigned number, size_t half, const unsigned *values, unsigned char count, int wanted)
{
  only(program, number, (unsigned char)(count + 3));
  load(program, half);
  for (unsigned char index = 0; index < count; index++) emit(program, BPF_JMP | BPF_JEQ | BPF_K, (unsigned char)(count - index), 0, values[index]);
  give(program, wanted ? REFUSE(EPERM) : SECCOMP_RET_ALLOW);
  give(program, wanted ? SECCOMP_RET_ALLOW : REFUSE(EPERM));
}
#define AMONG(program, number, half, wanted, ...) \
  do { \
    const unsigned values[] = { __VA_ARGS__ }; \
    by_values(program, number, half, values, sizeof values / sizeof *values, wanted); \
  } while (0)

/* Allows a call only when an argument is 0: no address, no new value. */
static void by_null(struct program *program, unsigned number, size_t index)
{
  only(program, number, 6);
  load(program, LOW(index));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
  load(program, HIGH(index));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  give(program, SECCOMP_RET_ALLOW);
  give(program, REFUSE(EPERM));
}

/* Numbers of the kernel's ABI, written out so that old headers do: see the manual page of each call. */
enum {
  THREAD_FLAG = 0x10000,                                               /* CLONE_THREAD */
  EMPTY_PATH = 0x1000,                                                 /* AT_EMPTY_PATH: the descriptor itself */
  OPEN_HANDLE = 010000000,                                             /* O_PATH: Landlock does not look at such openings */
  WRITE_FLAGS = 0x1 | 0x2 | 0x40 | 0x200 | 0x400 | 0x400000,           /* O_WRONLY O_RDWR O_CREAT O_TRUNC O_APPEND, the bit of O_TMPFILE */
  SET_NAME = 15, SET_VMA = 0x53564d41, GET_DUMPABLE = 3, CAPBSET_READ = 23, /* prctl: names for threads and mappings, two questions */
  /* fcntl: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC. No locks, leases, signals to anybody, larger pipes. */
  DUPLICATE = 0, GET_FLAGS = 1, SET_FLAGS = 2, GET_STATUS = 3, SET_STATUS = 4, DUPLICATE_CLOSING = 1030, SET_OWNER = 8,
  /* ioctl: TCGETS, TCGETS2, TIOCGWINSZ and TIOCGPTN ask whether it is a terminal; FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. */
  IS_TERMINAL = 0x5401, IS_TERMINAL_2 = 0x802c542a, TERMINAL_SIZE = 0x5413, TERMINAL_NUMBER = 0x80045430,
  READABLE_BYTES = 0x541b, NON_BLOCKING = 0x5421, NO_CLOSING = 0x5450, CLOSING = 0x5451,
  /* getsockopt: SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN. Not SO_PEERPIDFD, a handle of the host. */
  SOCKET_TYPE = 3, SOCKET_ERROR = 4, SEND_ROOM = 7, RECEIVE_ROOM = 8, IS_LISTENING = 30, SOCKET_PROTOCOL = 38, SOCKET_DOMAIN = 39,
  UNIX_DOMAIN = 1,                                                     /* AF_UNIX */
  STREAM = 1, STREAM_NON_BLOCKING = 1 | 04000, STREAM_CLOSING = 1 | 02000000, STREAM_BOTH = 1 | 04000 | 02000000, /* SOCK_STREAM and its flags */
};

/*
 * Builds the filter for the process `self`, which stays the same across exec. `pass` is a random number that opens
 * `execveat`: it travels in the sixth argument register, which the call itself does not use. Only the launcher
 * knows it, and exec wipes the launcher's memory and registers, so Node is the last program this process ever runs.
 */
static void build_filter(struct program *program, unsigned self, uint64_t pass)
{
  program->length = 0;
  load(program, offsetof(struct seccomp_data, arch));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE_ARCH);
  give(program, SECCOMP_RET_KILL_PROCESS);
  load(program, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  emit(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
  give(program, SECCOMP_RET_KILL_PROCESS);
#endif
  emit(program, BPF_JMP | BPF_JGT | BPF_K, 0, 1, LAST_KNOWN_CALL);
  give(program, REFUSE(ENOSYS));
  emit(program, BPF_JMP | BPF_JGE | BPF_K, 0, 2, GAP_FIRST);
  emit(program, BPF_JMP | BPF_JGT | BPF_K, 1, 0, GAP_LAST);
  give(program, REFUSE(ENOSYS));
  for (size_t index = 0; index < sizeof absent / sizeof *absent; index++) only(program, (unsigned)absent[index], 1), give(program, REFUSE(ENOSYS));
  for (size_t index = 0; index < sizeof refused / sizeof *refused; index++) only(program, (unsigned)refused[index], 1), give(program, REFUSE(EPERM));

  by_bits(program, __NR_clone, LOW(0), THREAD_FLAG, 1, REFUSE(EPERM));
  /* abort() sends a signal to its own thread group. */
  AMONG(program, __NR_tgkill, LOW(0), 1, self);
  AMONG(program, __NR_tkill, LOW(0), 1, self);
  AMONG(program, __NR_prctl, LOW(0), 1, SET_NAME, SET_VMA, GET_DUMPABLE, CAPBSET_READ);
  AMONG(program, __NR_fcntl, LOW(1), 1, DUPLICATE, GET_FLAGS, SET_FLAGS, GET_STATUS, SET_STATUS, DUPLICATE_CLOSING);
  AMONG(program, __NR_ioctl, LOW(1), 1, IS_TERMINAL, IS_TERMINAL_2, TERMINAL_SIZE, TERMINAL_NUMBER, READABLE_BYTES, NON_BLOCKING, NO_CLOSING, CLOSING);
  AMONG(program, __NR_getsockopt, LOW(2), 1, SOCKET_TYPE, SOCKET_ERROR, SEND_ROOM, RECEIVE_ROOM, IS_LISTENING, SOCKET_PROTOCOL, SOCKET_DOMAIN);
  /*
   * Streams only, and nothing sent to an address: a datagram socket of a pair can still write to any named socket,
   * such as that of the system's log.
   */
  AMONG(program, __NR_socketpair, LOW(1), 1, STREAM, STREAM_NON_BLOCKING, STREAM_CLOSING, STREAM_BOTH);
  by_null(program, __NR_sendto, 4);
  /* Second layer under Landlock: nothing is opened for writing, or only to be passed on. */
  by_bits(program, __NR_openat, LOW(2), WRITE_FLAGS | OPEN_HANDLE, 0, REFUSE(EPERM));
#if defined(__x86_64__)
  by_bits(program, __NR_open, LOW(1), WRITE_FLAGS | OPEN_HANDLE, 0, REFUSE(EPERM));
#endif
  /* Looking at a descriptor is allowed, at a path is not. */
  by_bits(program, __NR_newfstatat, LOW(3), EMPTY_PATH, 1, REFUSE(EPERM));
  by_bits(program, __NR_statx, LOW(2), EMPTY_PATH, 1, REFUSE(EPERM));

  /* Asking for one's own limits is allowed: process 0 and no new value. */
  only(program, __NR_prlimit64, 8);
  load(program, LOW(0));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0);
  load(program, LOW(2));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
  load(program, HIGH(2));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  give(program, SECCOMP_RET_ALLOW);
  give(program, REFUSE(EPERM));

  only(program, __NR_execveat, 6);
  load(program, LOW(5));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, (unsigned)pass);
  load(program, HIGH(5));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned)(pass >> 32));
  give(program, SECCOMP_RET_ALLOW);
  give(program, REFUSE(EPERM));

  give(program, SECCOMP_RET_ALLOW);
}
