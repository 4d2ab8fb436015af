/*
 * cordon-launcher: gives away every right of this process, then becomes Node.
 *
 *   launcher --parent=PID --data=BYTES --files=N [--uid=N --gid=N] [--cpus=HEX] [--read=PATH]... -- NODE [ARGUMENT]...
 *   launcher <the same> --check[=landlock|=seccomp] -- READABLE ABSENT PORT        (see check.h)
 *
 * It keeps descriptors 0 to 3, the environment and the working directory as the host gave them. Every step must
 * succeed: a sandbox is never started with less than was asked for; the reason is one line on stderr, status 125.
 * Numbers of the kernel's ABI that older headers lack are written out beside their names.
 */
#include "system.h"
#include "filter.h"
#include "check.h"

/* Landlock (Linux 5.13, security/landlock): its structures are declared here because libc headers may lack the newer fields. */
struct landlock_rules {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};
struct __attribute__((packed)) landlock_path {
  uint64_t allowed;
  int32_t descriptor;
};
enum {
  LANDLOCK_EXECUTE = 1 << 0,
  LANDLOCK_READ_FILE = 1 << 2,
  LANDLOCK_FILES_1 = (1 << 13) - 1, /* version 1: execute, read and write files, list, make and remove anything */
  LANDLOCK_REFER = 1 << 13,         /* version 2: rename and link across directories */
  LANDLOCK_TRUNCATE = 1 << 14,      /* version 3 */
  LANDLOCK_TCP = 3,                 /* version 4: bind and connect */
  LANDLOCK_IOCTL_DEVICE = 1 << 15,  /* version 5 */
  LANDLOCK_SCOPES = 3,              /* version 6: abstract Unix sockets and signals of other sandboxes and the host */
  LANDLOCK_VERSION_FLAG = 1,
};

enum { OPEN_PATH = 010000000 | 02000000 /* O_PATH | O_CLOEXEC, the same on both targets */, OPEN_WRITE = 1 };
enum { SET_PARENT_DEATH_SIGNAL = 1, NO_NEW_PRIVILEGES = 38, KILL_SIGNAL = 9 };
/* Resource limits by number: include/uapi/asm-generic/resource.h */
enum { LIMIT_FILE_SIZE = 1, LIMIT_DATA = 2, LIMIT_STACK = 3, LIMIT_CORE = 4, LIMIT_FILES = 7, LIMIT_LOCKED = 8, LIMIT_QUEUES = 12, LIMIT_NICE = 13, LIMIT_REALTIME = 14 };
/*
 * Stack of the main thread and, through libuv, of each helper thread: what Linux gives by default. A host with an
 * unlimited stack would otherwise spend its memory limit on address space.
 */
#define STACK_BYTES (8ul << 20)
/* Room for the shared libraries of Node: the largest seen is 8, distributions that split Node up have about 25. */
#define MAX_READABLE 64

struct options {
  long parent, uid, gid;
  unsigned long data, files;
  uint64_t cpus;
  const char *readable[MAX_READABLE];
  int readable_count;
  const char *check;
};

static unsigned long number(const char *text, unsigned base, const char *option)
{
  unsigned long value = 0;
  if (!*text) refuse("read option ", option, -EINVAL);
  for (; *text; text++) {
    unsigned digit = *text >= 'a' ? (unsigned)*text - 'a' + 10 : (unsigned)*text - '0';
    if (digit >= base || value > (~0ul >> 1) / base) refuse("read option ", option, -EINVAL);
    value = value * base + digit;
  }
  return value;
}

/* Fills `options` and gives the arguments after `--`. */
static char **read_options(char **argument, struct options *options)
{
  for (; *argument && !text_equal(*argument, "--"); argument++) {
    const char *value;
    if ((value = after(*argument, "--parent="))) options->parent = (long)number(value, 10, *argument);
    else if ((value = after(*argument, "--uid="))) options->uid = (long)number(value, 10, *argument);
    else if ((value = after(*argument, "--gid="))) options->gid = (long)number(value, 10, *argument);
    else if ((value = after(*argument, "--data="))) options->data = number(value, 10, *argument);
    else if ((value = after(*argument, "--files="))) options->files = number(value, 10, *argument);
    else if ((value = after(*argument, "--cpus="))) options->cpus = number(value, 16, *argument);
    else if ((value = after(*argument, "--read=")) && options->readable_count < MAX_READABLE) options->readable[options->readable_count++] = value;
    else if ((value = after(*argument, "--check"))) options->check = value;
    else refuse("use option ", *argument, -EINVAL);
  }
  if (!*argument || !options->parent || !options->data || !options->files) refuse("start: --parent, --data, --files and -- are needed", "", -EINVAL);
  return argument + 1;
}

static void allow_file(long rules, long descriptor, uint64_t access)
{
  struct landlock_path rule = { access, (int32_t)descriptor };
  must("allow a file", call4(__NR_landlock_add_rule, rules, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0));
}

static void allow_path(long rules, const char *path, uint64_t access)
{
  long descriptor = call4(__NR_openat, HERE, path, OPEN_PATH, 0);
  if (descriptor < 0) refuse("open ", path, descriptor);
  allow_file(rules, descriptor, access);
  call1(__NR_close, descriptor);
}

/*
 * Nothing may be read but Node, the libraries that its loader opens after exec, and /dev/null (where OPENSSL_CONF points).
 * Made while the process still has its rights: the files may lie below a directory that the sandbox's user cannot enter.
 */
static long make_landlock_rules(const struct options *options, long node)
{
  long version = must("ask for Landlock, which Linux has from 5.13 on when it is switched on", call3(__NR_landlock_create_ruleset, 0, 0, LANDLOCK_VERSION_FLAG));
  struct landlock_rules all = { .files = LANDLOCK_FILES_1 };
  if (version >= 2) all.files |= LANDLOCK_REFER;
  if (version >= 3) all.files |= LANDLOCK_TRUNCATE;
  if (version >= 4) all.network = LANDLOCK_TCP;
  if (version >= 5) all.files |= LANDLOCK_IOCTL_DEVICE;
  if (version >= 6) all.scopes = LANDLOCK_SCOPES;
  /* Fields that an older kernel does not know are zero, which it accepts. */
  long rules = must("make Landlock rules", call3(__NR_landlock_create_ruleset, &all, sizeof all, 0));
  if (node >= 0) allow_file(rules, node, LANDLOCK_READ_FILE | LANDLOCK_EXECUTE);
  for (int index = 0; index < options->readable_count; index++) allow_path(rules, options->readable[index], LANDLOCK_READ_FILE | LANDLOCK_EXECUTE);
  allow_path(rules, "/dev/null", LANDLOCK_READ_FILE);
  return rules;
}

static void limit(int resource, uint64_t value, const char *act)
{
  uint64_t old[2], both[2];
  must(act, call4(__NR_prlimit64, 0, resource, 0, old));
  /* Never above what the host itself may have. */
  both[0] = both[1] = value < old[1] ? value : old[1];
  must(act, call4(__NR_prlimit64, 0, resource, both, 0));
}

static void limit_resources(const struct options *options)
{
  limit(LIMIT_DATA, options->data, "limit memory");
  limit(LIMIT_FILES, options->files, "limit descriptors");
  limit(LIMIT_STACK, STACK_BYTES, "limit the stack");
  limit(LIMIT_FILE_SIZE, 0, "limit file sizes");
  /* Not 0: where the kernel hands dumps to a program, that means no limit, and 1 means none (Linux, fs/coredump.c). */
  limit(LIMIT_CORE, 1, "switch core files off");
  limit(LIMIT_LOCKED, 0, "limit locked memory");
  limit(LIMIT_QUEUES, 0, "limit message queues");
  limit(LIMIT_NICE, 0, "limit priorities");
  limit(LIMIT_REALTIME, 0, "limit priorities");
}

/* When memory runs out, the kernel takes sandboxes first and never the host for what a sandbox did. Best effort: /proc may be missing. */
static void prefer_for_oom_kill(void)
{
  long descriptor = call4(__NR_openat, HERE, "/proc/self/oom_score_adj", OPEN_WRITE, 0);
  if (descriptor < 0) return;
  call3(__NR_write, descriptor, "1000", 4);
  call1(__NR_close, descriptor);
}

static void drop_user(const struct options *options)
{
  if (options->uid < 0) return;
  must("drop groups", call2(__NR_setgroups, 0, 0));
  must("drop the group", call3(__NR_setresgid, options->gid, options->gid, options->gid));
  must("drop the user", call3(__NR_setresuid, options->uid, options->uid, options->uid));
}

/* What is left of root's rights when it stays root. Exec gives nothing back: new privileges are given up. */
static void drop_capabilities(void)
{
  const struct { uint32_t version; int32_t process; } head = { 0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0 };
  static const uint32_t none[6];
  must("drop capabilities", call2(__NR_capset, &head, none));
}

/*
 * SIGKILL when the thread of the host that started us ends. A change of user clears this, so it comes after it; the
 * host may have died before it, and then somebody else is our parent already.
 */
static void die_with_host(long host)
{
  must("follow the host", call5(__NR_prctl, SET_PARENT_DEATH_SIGNAL, KILL_SIGNAL, 0, 0, 0));
  if (call0(__NR_getppid) != host) refuse("start: the host is gone", "", 0);
}

static void install_filter(uint64_t *pass)
{
  static struct program program;
  must("get a random number", call3(__NR_getrandom, pass, sizeof *pass, 0));
  build_filter(&program, (unsigned)call0(__NR_getpid), *pass);
  const struct sock_fprog filter = { program.length, program.code };
  must("install the system call filter", call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}

__attribute__((noreturn, used)) void launch(long *stack)
{
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + stack[0] + 1;
  struct options options = { .uid = -1, .gid = -1 };
  char **program = read_options(arguments + 1, &options);
  if (!program[0] || (options.check && (!program[1] || !program[2]))) refuse("start: arguments are missing after --", "", -EINVAL);
  if (options.uid >= 0 && options.gid < 0) refuse("start: --uid needs --gid", "", -EINVAL);
  int is_checked_alone = options.check && *options.check;
  int has_landlock = !is_checked_alone || text_equal(options.check, "=landlock");
  int has_filter = !is_checked_alone || text_equal(options.check, "=seccomp");
  if (!has_landlock && !has_filter) refuse("use option --check", options.check, -EINVAL);

  must("close descriptors", call3(__NR_close_range, 4, ~0u, 0));
  long node = -1;
  if (!options.check) {
    node = call4(__NR_openat, HERE, program[0], OPEN_PATH, 0);
    if (node < 0) refuse("open ", program[0], node);
  }
  long rules = has_landlock ? make_landlock_rules(&options, node) : -1;
  prefer_for_oom_kill();
  if (options.cpus) must("keep to the given cores", call3(__NR_sched_setaffinity, 0, sizeof options.cpus, &options.cpus));
  limit_resources(&options);
  drop_user(&options);
  drop_capabilities();
  call1(__NR_umask, 077);
  must("give up new privileges", call5(__NR_prctl, NO_NEW_PRIVILEGES, 1, 0, 0, 0));
  die_with_host(options.parent);
  if (has_landlock) {
    must("apply Landlock rules", call2(__NR_landlock_restrict_self, rules, 0));
    call1(__NR_close, rules);
  }
  uint64_t pass = 0;
  if (has_filter) install_filter(&pass);

  if (options.check) {
    check(program[0], program[1], (unsigned)number(program[2], 10, "port"), options.parent, options.data);
    leave(0);
  }
  /* The sixth argument is for the filter, not for the kernel: see build_filter. */
  refuse("become ", program[0], call6(__NR_execveat, node, "", program, environment, EMPTY_PATH, pass));
}
