/*
 * The self-check: instead of starting Node, the launcher tries every forbidden thing itself, by the bare system call,
 * from inside the finished sandbox, and prints what the kernel answered. So what is reported as enforced was
 * observed on this very kernel, below anything that Node's own permission model would hide.
 * A line is `<sign><name> <errno>`: `-` must have failed (errno not 0), `+` must have worked (errno 0).
 * No probe does harm where it works: what it could change is a canary or stays as it is.
 */

static void report_probe(const char *name, long result)
{
  struct line line = { .length = 0 };
  add_text(&line, name);
  add_text(&line, " ");
  add_number(&line, result < 0 ? (unsigned long)-result : 0);
  write_line(1, &line);
}

/* A successful fork-like call returns twice: the child goes away at once. */
static long as_parent(long result)
{
  if (result == 0) leave(0);
  if (result > 0) call4(__NR_wait4, result, 0, 0, 0);
  return result;
}

/* An errno that shows that the kernel was willing and only found nothing there counts as "worked". */
static long unless(int willing, long result) { return result == -willing ? 0 : result; }

static long connect_to(unsigned port, int type)
{
  /* struct sockaddr_in: AF_INET, the port in network order, 127.0.0.1 */
  const unsigned char address[16] = { 2, 0, (unsigned char)(port >> 8), (unsigned char)port, 127, 0, 0, 1 };
  long descriptor = call3(__NR_socket, 2, type, 0);
  return descriptor < 0 ? descriptor : call3(__NR_connect, descriptor, address, sizeof address);
}

static long listen_on_loopback(void)
{
  const unsigned char address[16] = { 2, 0, 0, 0, 127, 0, 0, 1 };
  long descriptor = call3(__NR_socket, 2, 1, 0);
  return descriptor < 0 ? descriptor : call3(__NR_bind, descriptor, address, sizeof address);
}

static long connect_abstract(void)
{
  /* struct sockaddr_un with an abstract name that nobody listens on: ECONNREFUSED means the kernel looked for it. */
  const char address[] = { 1, 0, 0, 'c', 'o', 'r', 'd', 'o', 'n' };
  long descriptor = call3(__NR_socket, UNIX_DOMAIN, 1, 0);
  if (descriptor < 0) return descriptor;
  return unless(ECONNREFUSED, call3(__NR_connect, descriptor, address, sizeof address));
}

/* A datagram to a socket with a name, here one that nobody has: ECONNREFUSED or ENOENT means the kernel looked for it. */
static long send_datagram(const char *path)
{
  static struct { unsigned short family; char path[108]; } address = { UNIX_DOMAIN, "" };
  int pair[2];
  for (size_t index = 0; path[index] && index < sizeof address.path - 1; index++) address.path[index] = path[index];
  long made = call4(__NR_socketpair, UNIX_DOMAIN, 2 /* SOCK_DGRAM */, 0, pair);
  if (made < 0) return made;
  return unless(ENOENT, unless(ECONNREFUSED, call6(__NR_sendto, pair[0], "x", 1, 0, &address, sizeof address)));
}

/* The interfaces and addresses of the host, which any socket gives (SIOCGIFCONF). */
static long list_interfaces(void)
{
  static char room[1024];
  struct { int length; char *room; } list = { sizeof room, room };
  return call3(__NR_ioctl, 3, 0x8912, &list);
}

/* A handle of the process at the other end (SO_PEERPIDFD, since Linux 6.5). */
static long peer_handle(void)
{
  int handle = -1, size = sizeof handle;
  return call5(__NR_getsockopt, 3, 1, 77, &handle, &size);
}

/* Root keeps no capability either, also where it stays root. */
static long capability(void)
{
  const struct { uint32_t version; int32_t process; } head = { 0x20080522, 0 };
  static uint32_t sets[6];
  long asked = call2(__NR_capget, &head, sets);
  if (asked < 0) return 0;
  for (int index = 0; index < 6; index++)
    if (sets[index]) return 0;
  return -EPERM;
}

static long inherited_descriptor(void)
{
  for (int descriptor = 4; descriptor < 4096; descriptor++)
    if (call2(__NR_fcntl, descriptor, 1 /* F_GETFD */) >= 0) return descriptor;
  return -EBADF;
}

#define HERE (-100) /* AT_FDCWD */

/* `readable` exists and is the host's, `absent_path` does not exist, `port` is one where the host listens. */
static void check(const char *readable, const char *absent_path, unsigned port, long host, unsigned long data_limit)
{
  static char buffer[4096];
  static uint64_t words[16];
  const struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
  const struct sock_fprog allow_all = { 1, (struct sock_filter *)&allow };
  const char *const no_arguments[] = { readable, 0 };
  long self = call0(__NR_getpid);

  report_probe("-read", call4(__NR_openat, HERE, readable, 0, 0));
  report_probe("-read-own-environment", call4(__NR_openat, HERE, "/proc/self/environ", 0, 0));
  report_probe("-list-directory", call4(__NR_openat, HERE, "/", 0x10000 /* O_DIRECTORY */, 0));
  report_probe("-write", call4(__NR_openat, HERE, readable, 1, 0));
  report_probe("-create", call4(__NR_openat, HERE, absent_path, 0x41 /* O_WRONLY | O_CREAT */, 0600));
  report_probe("-make-directory", call3(__NR_mkdirat, HERE, absent_path, 0700));
  report_probe("-make-link", call3(__NR_symlinkat, readable, HERE, absent_path));
  report_probe("-remove", call3(__NR_unlinkat, HERE, readable, 0));
  report_probe("-truncate", call2(__NR_truncate, readable, 0));
  report_probe("-change-mode", call3(__NR_fchmodat, HERE, readable, 0777));
  report_probe("-change-times", call4(__NR_utimensat, HERE, readable, 0, 0));
  report_probe("-set-attribute", call5(__NR_setxattr, readable, "user.cordon", "x", 1, 0));
  report_probe("-look-at-path", call4(__NR_newfstatat, HERE, readable, buffer, 0));
  report_probe("-look-at-path-statx", call5(__NR_statx, HERE, readable, 0, 0x7ff, buffer));
  report_probe("-access-path", call3(__NR_faccessat, HERE, readable, 0));
  report_probe("-read-link", call4(__NR_readlinkat, HERE, "/proc/self/exe", buffer, sizeof buffer));
  report_probe("-change-directory", call1(__NR_chdir, "/"));
  report_probe("-open-handle", call4(__NR_openat, HERE, readable, OPEN_HANDLE, 0));
  report_probe("-lock-file", call2(__NR_flock, 1, 2 | 4 /* LOCK_EX | LOCK_NB */));
  report_probe("-watch-files", call1(__NR_inotify_init1, 0));

  report_probe("-tcp-connect", connect_to(port, 1));
  report_probe("-tcp-listen", listen_on_loopback());
  report_probe("-udp", connect_to(port, 2));
  report_probe("-raw-socket", call3(__NR_socket, 2, 3, 1));
  report_probe("-ipv6", call3(__NR_socket, 10, 1, 0));
  report_probe("-unix-socket", call3(__NR_socket, UNIX_DOMAIN, 1, 0));
  report_probe("-abstract-socket", connect_abstract());
  report_probe("-datagram-to-name", send_datagram(absent_path));
  report_probe("-list-interfaces", list_interfaces());
  report_probe("-handle-of-host", peer_handle());
  report_probe("-netlink", call3(__NR_socket, 16, 3, 0));
  report_probe("-vsock", call3(__NR_socket, 40, 1, 0));
  report_probe("-kernel-crypto-socket", call3(__NR_socket, 38, 5, 0));

  report_probe("-signal-host", call2(__NR_kill, host, 0));
  report_probe("-signal-host-thread", call3(__NR_tgkill, host, host, 0));
  report_probe("-signal-everybody", call2(__NR_kill, -1, 0));
  report_probe("-trace-host", call4(__NR_ptrace, 0x4206 /* PTRACE_SEIZE: does not stop it */, host, 0, 0));
  report_probe("-read-host-memory", call6(__NR_process_vm_readv, host, words, 0, words, 0, 0));
  report_probe("-pidfd-host", call2(__NR_pidfd_open, host, 0));
  /* getpriority gives 20 minus the value that setpriority takes. */
  report_probe("-renice-host", call3(__NR_setpriority, 0, host, 20 - call2(__NR_getpriority, 0, host)));
  report_probe("-limit-host", call4(__NR_prlimit64, host, 7, 0, words));

  report_probe("-fork", as_parent(call5(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0)));
  report_probe("-clone3", as_parent(call2(__NR_clone3, words, 64)));
  report_probe("-exec", call3(__NR_execve, readable, no_arguments, no_arguments + 1));
  report_probe("-exec-at", call5(__NR_execveat, HERE, readable, no_arguments, no_arguments + 1, 0));

  report_probe("-io-uring", call2(__NR_io_uring_setup, 8, buffer));
  report_probe("-memory-file", call2(__NR_memfd_create, "x", 0));
  report_probe("-shared-memory", call3(__NR_shmget, 0, 4096, 01600 /* IPC_CREAT */));
  report_probe("-message-queue", call4(__NR_mq_open, "cordon", 0x42, 0600, 0));
  report_probe("-enlarge-pipe", call3(__NR_fcntl, 0, 1031 /* F_SETPIPE_SZ */, 1 << 20));
  report_probe("-timers-of-user", call3(__NR_timer_create, 1, 0, words));
  report_probe("-lock-memory", call1(__NR_mlockall, 2));
  report_probe("-bpf", call3(__NR_bpf, 0, buffer, sizeof buffer));
  report_probe("-perf", call5(__NR_perf_event_open, buffer, 0, -1, -1, 0));
  report_probe("-userfaultfd", call1(__NR_userfaultfd, 1));
  report_probe("-keyring", call3(__NR_keyctl, 0, -3, 1));
  report_probe("-namespace", call1(__NR_unshare, 0x10000000 /* CLONE_NEWUSER */));
  report_probe("-mount", unless(ENOENT, call2(__NR_umount2, absent_path, 0)));
  report_probe("-change-user", call3(__NR_setresuid, 0, 0, 0));
  report_probe("-capabilities", capability());
  report_probe("-raise-limit", call4(__NR_prlimit64, 0, 7, words, 0));
  report_probe("-outlive-host", call5(__NR_prctl, 1 /* PR_SET_PDEATHSIG */, 0, 0, 0, 0));
  report_probe("-more-filters", call3(__NR_seccomp, 1, 0, &allow_all));
  report_probe("-own-signal-owner", call3(__NR_fcntl, 0, SET_OWNER, host));
  report_probe("-leave-cores", call3(__NR_sched_setaffinity, 0, 8, &(uint64_t){ ~0ull }));
  report_probe("-leave-group", call0(__NR_setsid));
  report_probe("-future-call", call0(LAST_KNOWN_CALL + 1));
  report_probe("-inherited-descriptor", inherited_descriptor());
  /* Private, writable, anonymous: what heaps and buffers are made of. One byte more than the limit. */
  report_probe("-memory-over-limit", call6(__NR_mmap, 0, data_limit + 1, 3, 0x22, -1, 0));

  report_probe("+memory-within-limit", call6(__NR_mmap, 0, data_limit / 2, 3, 0x22, -1, 0));
  report_probe("+socket-pair", call4(__NR_socketpair, UNIX_DOMAIN, 1, 0, buffer));
  report_probe("+signal-self", call3(__NR_tgkill, self, self, 0));
  report_probe("+ask-limit", call4(__NR_prlimit64, 0, 7, 0, words));
  report_probe("+look-at-descriptor", call4(__NR_newfstatat, 1, "", buffer, EMPTY_PATH));
  report_probe("+nothing-from-null", call4(__NR_openat, HERE, "/dev/null", 0, 0));
}
