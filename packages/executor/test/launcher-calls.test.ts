import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { findLauncherProgram } from '../dist/hardening/launcher-program.js'

/**
 * Every system call of x86-64 that a sandbox may make at all; some of them only with certain arguments, which the
 * launcher's own self-check tries. A call that is not here is refused: adding one is a decision.
 */
const passed = {
  'its own descriptors': `read write close lseek pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 pipe pipe2 dup dup2 dup3 close_range
    sendfile copy_file_range fsync fdatasync sync_file_range fadvise64 readahead getdents getdents64 fstat newfstatat statx fstatfs
    shutdown getsockname getpeername recvfrom`,
  waiting: `poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd eventfd2 signalfd signalfd4
    timerfd_create timerfd_settime timerfd_gettime nanosleep clock_nanosleep futex futex_waitv restart_syscall`,
  'its own memory': 'mmap mprotect munmap brk mremap msync mincore madvise munlock munlockall pkey_mprotect pkey_alloc pkey_free membarrier',
  'its own signals and threads': `rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait sigaltstack alarm getitimer setitimer clone wait4 waitid
    set_tid_address set_robust_list rseq arch_prctl sched_yield`,
  clocks: 'gettimeofday time times clock_gettime clock_getres',
  questions: `getpid gettid getppid getpgrp getpgid getsid getuid getgid geteuid getegid getgroups getresuid getresgid getrlimit getrusage capget
    uname sysinfo getcwd umask getcpu getrandom getpriority ioprio_get get_mempolicy sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval`,
  'harmless without the call that is refused before them': `io_destroy io_getevents io_pgetevents io_submit io_cancel timer_settime timer_gettime timer_getoverrun
    timer_delete inotify_rm_watch`,
}

const compiler = 'x86_64-linux-gnu-gcc'
const source = fileURLToPath(new URL('../test/fixtures/probes/every-call.c', import.meta.url))
const flags = ['-std=gnu11', '-Os', '-ffreestanding', '-fno-stack-protector', '-fno-pie', '-no-pie', '-static', '-nostdlib']
const refusals = new Set([1 /* EPERM */, 38 /* ENOSYS */])

describe('the system call filter', function () {
  const directory = mkdtempSync(join(tmpdir(), 'cordon-calls-'))
  chmodSync(directory, 0o711)
  after(() => rmSync(directory, { recursive: true, force: true }))

  it('lets pass what is on this list, and no other call from 0 to 470', function () {
    if (process.platform !== 'linux' || process.arch !== 'x64' || spawnSync(compiler, ['--version']).status !== 0) return this.skip()
    const program = join(directory, 'every-call')
    execFileSync(compiler, [...flags, '-o', program, source])
    const user = process.getuid?.() === 0 ? ['--uid=60600', '--gid=60600'] : []
    const options = [`--parent=${process.pid}`, '--data=100000000', '--files=64', ...user, '--', program]
    const { stdout, status } = spawnSync(findLauncherProgram().path ?? '', options, { encoding: 'utf8', env: {}, cwd: '/' })
    expect(status).to.equal(0)
    const answers = Array.from(stdout.matchAll(/^(\d+) (\d+)$/gm), ([, call, errno]) => [Number(call), Number(errno)] as const)
    expect(answers.length).to.be.greaterThan(450)
    const names = callNames()
    const got = answers.filter(([, errno]) => !refusals.has(errno)).map(([call]) => names.get(call) ?? String(call))
    expect(got).to.have.members(Object.values(passed).flatMap((list) => list.split(/\s+/)))
  })
})

/** Names of the calls by number, as the compiler's own headers give them. */
function callNames(): Map<number, string> {
  const macros = execFileSync(compiler, ['-dM', '-E', '-include', 'asm/unistd.h', '-xc', '/dev/null'], { encoding: 'utf8' })
  return new Map(Array.from(macros.matchAll(/^#define __NR_(\w+) (\d+)$/gm), ([, name, call]) => [Number(call), name ?? '']))
}
